//! The program `ipvs_sync`: starts, stops and shows the kernel's connection sync daemons. It knows the few options of
//! ipvsadm(8) that `resource.d/LVSSyncDaemonSwap` needs, for machines without that program.

mod options;

use std::io::{self, Write};

use super::ipvs::{Error, Ipvs, Netlink};
use super::table::{Role, SyncDaemon};
use options::{Asked, USAGE, read};

/// As ipvsadm(8) where it was not understood.
const NOT_UNDERSTOOD: i32 = 2;
/// And where the kernel would not.
const FAILED: i32 = 255;

/// Runs the program with these words behind its name; the exit code.
pub fn main(words: impl Iterator<Item = String>) -> i32 {
    let words: Vec<String> = words.collect();
    let Some(asked) = read(&words) else {
        complain(USAGE);
        return NOT_UNDERSTOOD;
    };
    match Netlink::open().and_then(|mut kernel| carry_out(&mut kernel, &asked)) {
        Ok(text) => {
            // A reader that has gone away is no failure.
            let _ = io::stdout().write_all(text.as_bytes());
            0
        }
        Err(error) => {
            complain(&format!("ipvs_sync: {error}\n"));
            FAILED
        }
    }
}

/// Whoever closed stderr does not want to know.
fn complain(text: &str) {
    let _ = io::stderr().write_all(text.as_bytes());
}

/// Does it; what there is to print.
fn carry_out(kernel: &mut dyn Ipvs, asked: &Asked) -> Result<String, Error> {
    match asked {
        Asked::List => Ok(kernel.daemons()?.iter().map(line).collect()),
        Asked::Start(daemon) => kernel.start_daemon(daemon).map(|()| String::new()),
        Asked::Stop(role) => kernel.stop_daemon(*role).map(|()| String::new()),
    }
}

/// A daemon as `ipvsadm -L --daemon` shows it.
fn line(daemon: &SyncDaemon) -> String {
    let role = word(daemon.role);
    let mut line = format!("{role} sync daemon (mcast={}, syncid={}", daemon.interface, daemon.sync_id);
    let numbers =
        [("maxlen", u32::from(daemon.max_length)), ("port", daemon.port.into()), ("ttl", daemon.ttl.into())];
    let told = |(name, number): (&str, u32)| (number > 0).then(|| format!(", {name}={number}"));
    let [length, port, ttl] = numbers.map(told).map(Option::unwrap_or_default);
    let group = daemon.group.map(|group| format!(", group={group}")).unwrap_or_default();
    line += &format!("{length}{group}{port}{ttl})\n");
    line
}

fn word(role: Role) -> &'static str {
    match role {
        Role::Master => "master",
        Role::Backup => "backup",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::director::ipvs::Fake;

    #[test]
    fn what_was_started_is_shown_and_can_be_stopped() {
        let mut kernel = Fake::default();
        let mut ask = |line: &str| {
            let words: Vec<String> = line.split(' ').map(ToOwned::to_owned).collect();
            carry_out(&mut kernel, &read(&words).unwrap()).unwrap()
        };
        assert_eq!(ask("--start-daemon master --mcast-interface=eth1 --syncid 7"), "");
        ask("--start-daemon backup");
        // as the real ipvsadm 1.31 showed it in a guest
        let told = "master sync daemon (mcast=eth1, syncid=7)\nbackup sync daemon (mcast=eth0, syncid=0)\n";
        assert_eq!(ask("-L --daemon"), told);
        ask("--stop-daemon master");
        assert_eq!(ask("-L --daemon"), "backup sync daemon (mcast=eth0, syncid=0)\n");
    }

    #[test]
    fn all_that_the_kernel_tells_is_shown() {
        let group = "224.0.0.90".parse().ok();
        let (interface, role) = ("sync0".to_owned(), Role::Backup);
        let daemon = SyncDaemon { role, interface, sync_id: 8, max_length: 1400, group, port: 8849, ttl: 2 };
        let told =
            "backup sync daemon (mcast=sync0, syncid=8, maxlen=1400, group=224.0.0.90, port=8849, ttl=2)\n";
        assert_eq!(line(&daemon), told);
    }
}
