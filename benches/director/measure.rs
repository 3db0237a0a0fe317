//! One program measured.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use crate::farm::{DEAD, Farm, GOOD, HANGING, address};
use crate::lab::flavour::programs;
use crate::lab::node::bounded_output;
use crate::lab::stage::Stage;
use crate::lab::{Failure, bail, wait_until};
use crate::options::Options;
use crate::standin::TABLE;

/// The reference needs minutes for what takes ours a second.
const PATIENCE: Duration = Duration::from_secs(1800);
/// How often the table is looked at.
const LOOK: Duration = Duration::from_millis(5);

const PREPARATION: &str = "\
for dir in /run /var/log /etc/ha.d; do mkdir -p $dir; mount -t tmpfs -o mode=755 tmpfs $dir; done
ip link set lo up
";

/// A director's place.
struct Place {
    stage: Stage,
    farm: Farm,
}

pub(crate) fn measure(program: &str, options: &Options) -> Result<(), Failure> {
    let place = build(program, options)?;
    let begin = Instant::now();
    let ran = bounded_output(director(&place.stage), Duration::from_secs(120))?;
    if !ran.status.success() {
        bail!("start: {}", String::from_utf8_lossy(&ran.stderr));
    }
    let good = options.servers - options.hanging;
    let filled = || match place.listed() {
        listed if listed == good => Ok(()),
        listed => Err(format!("{listed} of {good} servers are in the table")),
    };
    wait_until("the table is filled", PATIENCE, filled)?;
    println!("{program}: {good} servers in the table {:.1} s after the start", begin.elapsed().as_secs_f64());
    place.steady(program, options)?;
    place.deaths(program, options)
}

fn build(program: &str, options: &Options) -> Result<Place, Failure> {
    let file = match program {
        "ours" => programs()?.join("ldirectord"),
        _ => PathBuf::from(crate::guest::REFERENCE),
    };
    let itself = std::env::current_exe()?;
    let mut script = String::from(PREPARATION);
    for (from, to) in [(file.as_path(), crate::guest::REFERENCE), (itself.as_path(), "/usr/sbin/ipvsadm")] {
        let _ = writeln!(script, "mount --bind {} {to}", from.display());
    }
    let stage = Stage::outermost(&script)?;
    let farm = Farm::on(&stage, options.servers)?;
    (0..options.hanging).for_each(|server| farm.set(server, HANGING));
    fs::write(stage.path("/etc/ha.d/ldirectord.cf"), configuration(options))?;
    Ok(Place { stage, farm })
}

fn director(stage: &Stage) -> std::process::Command {
    let mut command = stage.command(crate::guest::REFERENCE);
    command.arg("start");
    command
}

/// The reference pulses no server at the start with `readdquiescent`.
fn configuration(options: &Options) -> String {
    let Options { interval, timeout, .. } = options;
    let mut text = format!(
        "checkinterval={interval}\nchecktimeout={timeout}\nreaddquiescent=yes\nvirtual=10.0.0.100:80\n"
    );
    for server in 0..options.servers {
        let _ = writeln!(text, "        real={}:80 masq", address(server));
    }
    text + "        service=http\n        request=\"index.html\"\n        receive=\"OK\"\n        scheduler=rr\n"
}

impl Place {
    fn table(&self) -> String {
        fs::read_to_string(self.stage.path(TABLE)).unwrap_or_default()
    }

    fn listed(&self) -> usize {
        self.table().lines().filter(|line| line.starts_with("a ")).count()
    }

    /// Pauses between checks, processor time and memory while nothing happens.
    fn steady(&self, program: &str, options: &Options) -> Result<(), Failure> {
        // every server has been checked in the way of every day
        wait_until("everybody is checked again", PATIENCE, self.all_visited(2))?;
        self.farm.forget_pauses();
        let (visits, used, begin) = (self.farm.visits(), self.used(), Instant::now());
        thread::sleep(Duration::from_secs(options.seconds));
        let took = begin.elapsed().as_secs_f64();
        let pauses = self.farm.pauses();
        let at = |share: f64| pauses[((pauses.len() - 1) as f64 * share) as usize].as_secs_f64();
        println!(
            "{program}: the longest pause between two checks of a healthy server in {took:.0} s: {:.2} s; for half of \
             them at most {:.2} s, for 99 of 100 {:.2} s",
            at(1.0),
            at(0.5),
            at(0.99)
        );
        let (after, checks) = (self.used(), (self.farm.visits() - visits) as f64 / took);
        println!(
            "{program}: {checks:.0} checks a second, {:.1} % of a processor, {:.0} us a check; {:.1} MB, at most {:.1} MB",
            100.0 * (after.seconds - used.seconds) / took,
            1e6 * (after.seconds - used.seconds) / took / checks,
            after.memory,
            after.peak
        );
        Ok(())
    }

    fn all_visited(&self, times: u64) -> impl FnMut() -> Result<(), String> {
        let load = |server: &crate::farm::Server| server.visits.load(std::sync::atomic::Ordering::Relaxed);
        let before: Vec<u64> = self.farm.0.iter().map(load).collect();
        let servers = std::sync::Arc::clone(&self.farm.0);
        move || match servers.iter().zip(&before).position(|(server, before)| load(server) < before + times) {
            None => Ok(()),
            Some(server) => Err(format!("{} is not", address(server))),
        }
    }

    /// How long it takes until the table knows that one has died, and that it is back.
    fn deaths(&self, program: &str, options: &Options) -> Result<(), Failure> {
        let mut took = [Vec::new(), Vec::new()];
        for death in 0..options.deaths {
            let server = options.hanging + death * (options.servers - options.hanging) / options.deaths;
            took[0].push(self.until(server, DEAD)?);
            took[1].push(self.until(server, GOOD)?);
        }
        for (what, mut took) in ["a death", "a return"].into_iter().zip(took) {
            took.sort_by(f64::total_cmp);
            let list: Vec<_> = took.iter().map(|seconds| format!("{seconds:.2}")).collect();
            println!("{program}: {what} was in the table after {} s", list.join(", "));
        }
        Ok(())
    }

    fn until(&self, server: usize, mode: u8) -> Result<f64, Failure> {
        let row = format!("a {}:80 ", address(server));
        self.farm.set(server, mode);
        let begin = Instant::now();
        while self.table().contains(&row) != (mode == GOOD) {
            if begin.elapsed() > PATIENCE {
                bail!("{row}: nothing happens");
            }
            thread::sleep(LOOK);
        }
        Ok(begin.elapsed().as_secs_f64())
    }

    /// By all processes of the director, those that it has waited for among them.
    fn used(&self) -> Used {
        let mut used = Used::default();
        for entry in fs::read_dir(self.stage.path("/proc")).unwrap().flatten() {
            let read = |name: &str| fs::read_to_string(entry.path().join(name)).unwrap_or_default();
            if !read("cmdline").contains("ldirectord") {
                continue;
            }
            let stat = read("stat");
            let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
            let ticks = (11..15).filter_map(|n| fields.get(n)?.parse::<f64>().ok()).sum::<f64>();
            used.seconds += ticks / 100.0;
            let status = read("status");
            let size = |name: &str| {
                let line = status.lines().find(|line| line.starts_with(name));
                line.and_then(|l| l.split_whitespace().nth(1)?.parse::<f64>().ok()).unwrap_or(0.0) / 1024.0
            };
            used.memory += size("VmRSS:");
            used.peak += size("VmHWM:");
        }
        used
    }
}

#[derive(Default)]
struct Used {
    seconds: f64,
    /// MB.
    memory: f64,
    peak: f64,
}
