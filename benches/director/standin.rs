//! Stands in for `ipvsadm`: a table in a file, the same answers. Only what directors ask.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::process::ExitCode;

use nix::fcntl::{Flock, FlockArg};

/// Where the table lies, in whatever place this runs.
pub(crate) const TABLE: &str = "/run/standin-table";
const HEAD: &str = "IP Virtual Server version 1.2.1 (size=4096)\nProt LocalAddress:Port Scheduler Flags\n";

#[derive(Default)]
struct Service {
    scheduler: String,
    /// By address: option of the method, weight, upper and lower threshold.
    dests: BTreeMap<String, [String; 4]>,
}

/// A line `A service scheduler` opens a service, `a address method weight upper lower` is a server.
type Table = BTreeMap<String, Service>;

fn read() -> Table {
    let mut table = Table::new();
    let mut last = String::new();
    for line in fs::read_to_string(TABLE).unwrap_or_default().lines() {
        let words: Vec<&str> = line.split(' ').collect();
        match words.as_slice() {
            ["A", service, scheduler] => {
                last = (*service).to_owned();
                table.insert(
                    last.clone(),
                    Service { scheduler: (*scheduler).to_owned(), ..Service::default() },
                );
            }
            ["a", at, method, weight, upper, lower] => {
                let dest = [*method, *weight, *upper, *lower].map(ToOwned::to_owned);
                table.get_mut(&last).unwrap().dests.insert((*at).to_owned(), dest);
            }
            other => panic!("{TABLE}: {other:?}"),
        }
    }
    table
}

fn write(table: &Table) {
    let mut text = String::new();
    for (service, Service { scheduler, dests }) in table {
        let _ = writeln!(text, "A {service} {scheduler}");
        for (at, dest) in dests {
            let _ = writeln!(text, "a {at} {}", dest.join(" "));
        }
    }
    fs::write(format!("{TABLE}.new"), text).unwrap();
    fs::rename(format!("{TABLE}.new"), TABLE).unwrap();
}

/// The program.
pub(crate) fn main(words: &[String]) -> ExitCode {
    let lock = File::options().create(true).append(true).open(format!("{TABLE}.lock")).unwrap();
    let _lock = Flock::lock(lock, FlockArg::LockExclusive).map_err(|(_, errno)| errno).unwrap();
    let mut table = read();
    let has = |word: &str| words.iter().any(|w| w == word);
    if has("-L") {
        print!("{}", listing(&table, has("--thresholds")));
        return ExitCode::SUCCESS;
    }
    if has("-S") {
        print!("{}", saved(&table));
        return ExitCode::SUCCESS;
    }
    if change(&mut table, words).is_none() {
        eprintln!("refused: {}", words.join(" "));
        return ExitCode::from(255);
    }
    write(&table);
    ExitCode::SUCCESS
}

fn change(table: &mut Table, words: &[String]) -> Option<()> {
    let after = |option: &str| words.iter().skip_while(|word| *word != option).nth(1).cloned();
    let number = |option: &str| after(option).unwrap_or_else(|| "0".to_owned());
    let service = after("-t")?;
    let dest = || {
        let method = words.iter().find(|word| ["-g", "-m", "-i"].contains(&word.as_str()));
        let weight = after("-w").unwrap_or_else(|| "1".to_owned());
        [method.cloned().unwrap_or_else(|| "-g".to_owned()), weight, number("-x"), number("-y")]
    };
    match words.first()?.as_str() {
        "-A" if !table.contains_key(&service) => {
            table.insert(service, Service { scheduler: after("-s")?, ..Service::default() });
        }
        "-E" => table.get_mut(&service)?.scheduler = after("-s")?,
        "-D" => drop(table.remove(&service)?),
        "-a" if !table.get(&service)?.dests.contains_key(&after("-r")?) => {
            table.get_mut(&service)?.dests.insert(after("-r")?, dest());
        }
        "-e" => *table.get_mut(&service)?.dests.get_mut(&after("-r")?)? = dest(),
        "-d" => drop(table.get_mut(&service)?.dests.remove(&after("-r")?)?),
        _ => return None,
    }
    Some(())
}

fn listing(table: &Table, thresholds: bool) -> String {
    let mut text = format!("{HEAD}  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn\n");
    for (at, service) in table {
        let _ = writeln!(text, "TCP  {at} {}", service.scheduler);
        for (dest, [method, weight, upper, lower]) in &service.dests {
            let method = match method.as_str() {
                "-m" => "Masq",
                "-i" => "Tunnel",
                _ => "Route",
            };
            let _ = match thresholds {
                true => writeln!(text, "  -> {dest:<28} {upper:<10} {lower:<10} 0          0"),
                false => writeln!(text, "  -> {dest:<28} {method:<7} {weight:<6} 0          0"),
            };
        }
    }
    text
}

fn saved(table: &Table) -> String {
    let mut text = String::new();
    for (at, service) in table {
        let _ = writeln!(text, "-A -t {at} -s {}", service.scheduler);
        for (dest, [method, weight, ..]) in &service.dests {
            let _ = writeln!(text, "-a -t {at} -r {dest} {method} -w {weight}");
        }
    }
    text
}
