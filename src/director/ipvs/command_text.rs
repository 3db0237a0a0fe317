//! What `ipvsadm` prints, read. Pure. What is not understood is skipped, as the reference does.

use std::net::SocketAddr;

use crate::director::table::{
    Connected, Counted, Counters, Dest, DestCounters, Entry, Family, Forward, Info, Netmask, Persistence,
    Protocol, Role, SchedFlags, Service, ServiceId, SyncDaemon, Table, Timeouts, Tunnel,
};

/// The table that `ipvsadm -S -n` prints as command lines. Thresholds are not in it.
pub(super) fn saved(text: &str) -> Table {
    let mut table = Table::default();
    for line in text.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let Some(id) = called(&words) else { continue };
        match words.first() {
            Some(&"-A") => {
                let entry = Entry { service: service(&words, &id), ..Entry::default() };
                table.entries.insert(id, entry);
            }
            Some(&"-a") => {
                let at = after(&words, "-r").and_then(|at| at.parse().ok());
                if let (Some(at), Some(entry)) = (at, table.entries.get_mut(&id)) {
                    entry.dests.insert(at, dest(&words));
                }
            }
            _ => {}
        }
    }
    table
}

/// The word behind an option.
fn after<'a>(words: &[&'a str], option: &str) -> Option<&'a str> {
    words.iter().skip_while(|word| **word != option).nth(1).copied()
}

fn number<T: std::str::FromStr + Default>(words: &[&str], option: &str) -> T {
    after(words, option).and_then(|text| text.parse().ok()).unwrap_or_default()
}

fn called(words: &[&str]) -> Option<ServiceId> {
    let family = if words.contains(&"-6") { Family::V6 } else { Family::V4 };
    if let Some(mark) = after(words, "-f") {
        return Some(ServiceId::Mark { mark: mark.parse().ok()?, family });
    }
    let options = [("-t", Protocol::Tcp), ("-u", Protocol::Udp), ("--sctp-service", Protocol::Sctp)];
    let (option, protocol) = options.into_iter().find(|(option, _)| words.contains(option))?;
    Some(ServiceId::address(protocol, after(words, option)?.parse().ok()?))
}

fn service(words: &[&str], id: &ServiceId) -> Service {
    let scheduler = after(words, "-s").unwrap_or("wlc").to_owned();
    let named = after(words, "-b").into_iter().flat_map(|names| names.split(','));
    let flags = named.filter_map(|name| SchedFlags::named(&scheduler, name));
    let netmask = after(words, "-M").and_then(|text| match id.family() {
        Family::V4 => text.parse().ok().map(Netmask::V4),
        Family::V6 => text.parse().ok().map(Netmask::V6),
    });
    let netmask = netmask.unwrap_or_else(|| Netmask::single(id.family()));
    let timeout = after(words, "-p").and_then(|text| text.parse().ok());
    Service {
        flags: flags.fold(SchedFlags::default(), SchedFlags::with),
        persistence: timeout.map(|timeout| Persistence { timeout, netmask }),
        one_packet: words.contains(&"-o"),
        engine: after(words, "--pe").map(ToOwned::to_owned),
        scheduler,
    }
}

fn dest(words: &[&str]) -> Dest {
    let ways = [("-m", Forward::Masq), ("-i", Forward::Tunnel), ("-g", Forward::Route)];
    let forward = ways.into_iter().find(|(option, _)| words.contains(option));
    let sums = [("--tun-csum", 1), ("--tun-remcsum", 2)];
    let flags = sums.into_iter().filter(|(option, _)| words.contains(option)).map(|(_, bit)| bit).sum();
    let tunnel = match after(words, "--tun-type") {
        Some("gue") => Tunnel::Gue { port: number(words, "--tun-port"), flags },
        Some("gre") => Tunnel::Gre { flags },
        _ => Tunnel::Ipip,
    };
    Dest {
        forward: forward.map_or(Forward::Local, |(_, forward)| forward),
        weight: number(words, "-w"),
        upper: number(words, "-x"),
        lower: number(words, "-y"),
        tunnel,
    }
}

/// A row of a listing: the service above it, the server if the row is one, the columns behind.
struct Row<'a> {
    id: ServiceId,
    at: Option<SocketAddr>,
    columns: Vec<&'a str>,
}

impl Row<'_> {
    /// The number in a column; 0 where there is none.
    fn number<T: std::str::FromStr + Default>(&self, column: usize) -> T {
        self.columns.get(column).and_then(|text| text.parse().ok()).unwrap_or_default()
    }
}

/// The rows of any kind of `ipvsadm -L -n`.
fn rows(text: &str) -> Vec<Row<'_>> {
    let mut rows = Vec::new();
    let mut above = None;
    for line in text.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        if let ["->", at, columns @ ..] = words.as_slice() {
            if let (Some(id), Ok(at)) = (above, at.parse()) {
                rows.push(Row { id, at: Some(at), columns: columns.to_vec() });
            }
        } else if let Some((id, columns)) = headed(&words) {
            above = Some(id);
            rows.push(Row { id, at: None, columns: columns.to_vec() });
        }
    }
    rows
}

fn headed<'w, 'a>(words: &'w [&'a str]) -> Option<(ServiceId, &'w [&'a str])> {
    let protocol = match words {
        ["FWM", mark, "IPv6", rest @ ..] => {
            return Some((ServiceId::Mark { mark: mark.parse().ok()?, family: Family::V6 }, rest));
        }
        ["FWM", mark, rest @ ..] => {
            return Some((ServiceId::Mark { mark: mark.parse().ok()?, family: Family::V4 }, rest));
        }
        ["TCP", ..] => Protocol::Tcp,
        ["UDP", ..] => Protocol::Udp,
        ["SCTP", ..] => Protocol::Sctp,
        _ => return None,
    };
    let [_, at, rest @ ..] = words else { return None };
    Some((ServiceId::address(protocol, at.parse().ok()?), rest))
}

/// Puts the thresholds and the numbers of connections of `ipvsadm -L -n --thresholds` into a table.
pub(super) fn thresholds(text: &str, table: &mut Table) {
    for row in rows(text) {
        let Some((entry, at)) = table.entries.get_mut(&row.id).zip(row.at) else { continue };
        if let (Some(dest), [_, _, ..]) = (entry.dests.get_mut(&at), row.columns.as_slice()) {
            (dest.upper, dest.lower) = (row.number(0), row.number(1));
            entry.connect(at, Connected { active: row.number(2), inactive: row.number(3) });
        }
    }
}

/// The counters of `-L -n --stats --exact`, with the connections of `-L -n --persistent-conn`.
pub(super) fn counted(stats: &str, connections: &str) -> Vec<Counted> {
    let connected = rows(connections);
    let mut all: Vec<Counted> = Vec::new();
    for row in rows(stats) {
        let through = through(&row);
        match (row.at, all.last_mut()) {
            (Some(at), Some(counted)) => {
                let same = connected.iter().find(|other| other.id == row.id && other.at == row.at);
                let number = |column| same.map_or(0, |row| row.number(column));
                let connected = Connected { active: number(2), inactive: number(3) };
                counted.dests.push(DestCounters { at, connected, persistent: number(1), through });
            }
            _ => all.push(Counted { service: row.id, through, dests: Vec::new() }),
        }
    }
    all
}

fn through(row: &Row<'_>) -> Counters {
    Counters {
        connections: row.number(0),
        packets_in: row.number(1),
        packets_out: row.number(2),
        bytes_in: row.number(3),
        bytes_out: row.number(4),
    }
}

/// The daemons of `ipvsadm -L --daemon`.
pub(super) fn daemons(text: &str) -> Vec<SyncDaemon> {
    text.lines().filter_map(daemon).collect()
}

fn daemon(line: &str) -> Option<SyncDaemon> {
    let (role, rest) = line.split_once(" sync daemon (")?;
    let pairs: Vec<(&str, &str)> =
        rest.trim_end_matches(')').split(", ").filter_map(|pair| pair.split_once('=')).collect();
    let value = |name: &str| pairs.iter().find(|(n, _)| *n == name).map(|(_, value)| *value);
    Some(SyncDaemon {
        role: if role == "master" { Role::Master } else { Role::Backup },
        interface: value("mcast")?.to_owned(),
        sync_id: value("syncid")?.parse().ok()?,
        max_length: value("maxlen").and_then(|n| n.parse().ok()).unwrap_or(0),
        group: value("group").and_then(|ip| ip.parse().ok()),
        port: value("port").and_then(|n| n.parse().ok()).unwrap_or(0),
        ttl: value("ttl").and_then(|n| n.parse().ok()).unwrap_or(0),
    })
}

/// The timeouts of `ipvsadm -L --timeout`.
pub(super) fn timeouts(text: &str) -> Option<Timeouts> {
    let (_, numbers) = text.split_once("udp):")?;
    let mut numbers = numbers.split_whitespace().map_while(|n| n.parse().ok());
    Some(Timeouts { tcp: numbers.next()?, tcp_fin: numbers.next()?, udp: numbers.next()? })
}

/// The first line of any listing: `IP Virtual Server version 1.2.1 (size=4096)`.
pub(super) fn info(text: &str) -> Option<Info> {
    let (_, rest) = text.split_once("version ")?;
    let (version, rest) = rest.split_once(" (size=")?;
    let mut parts = version.split('.').map_while(|n| n.parse().ok());
    let version = (parts.next()?, parts.next()?, parts.next()?);
    let connections = rest.split(')').next()?.parse().ok()?;
    Some(Info { version, connections })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Printed by ipvsadm 1.31 on a Debian kernel.
    const SAVED: &str = "-A -t 10.0.0.100:80 -s sh -p 300 -b sh-port\n\
        -a -t 10.0.0.100:80 -r 10.0.0.7:80 -g -w 1\n\
        -a -t 10.0.0.100:80 -r 10.0.0.9:80 -i -w 1 --tun-type gue --tun-port 6080 --tun-csum\n\
        -A -u 10.0.0.100:53 -s rr -o\n\
        -A -f 9 -6 -s wlc -p 60 -M 64\n\
        -a -f 9 -6 -r [2001:db8::7]:0 -m -w 3\n";
    const THRESHOLDS: &str = "IP Virtual Server version 1.2.1 (size=4096)\n\
        Prot LocalAddress:Port            Uthreshold Lthreshold ActiveConn InActConn \n  -> RemoteAddress:Port\n\
        TCP  10.0.0.100:80 sh (sh-port) persistent 300\n\
        \x20 -> 10.0.0.7:80                  0          0          0          0         \n\
        \x20 -> 10.0.0.9:80                  7          3          0          0         \n\
        FWM  9 IPv6 wlc persistent 60 mask 64\n\
        \x20 -> [2001:db8::7]:0              1          0          0          0         \n";

    #[test]
    fn a_saved_table_is_what_its_own_command_lines_make() {
        let mut table = saved(SAVED);
        thresholds(THRESHOLDS, &mut table);
        let mut lines = Vec::new();
        for (id, entry) in &table.entries {
            let (id, service) = (id.arguments().join(" "), entry.service.arguments().join(" "));
            lines.push(format!("-A {id} {service}"));
            for (at, dest) in &entry.dests {
                lines.push(format!("-a {id} {}", dest.arguments(&at.to_string()).join(" ")));
            }
        }
        lines.sort();
        let wanted = [
            "-A -f 9 -6 -s wlc -p 60 -M 64",
            "-A -t 10.0.0.100:80 -s sh -p 300 -b sh-port",
            "-A -u 10.0.0.100:53 -o -s rr",
            "-a -f 9 -6 -x 1 -y 0 -r [2001:db8::7]:0 -m -w 3",
            "-a -t 10.0.0.100:80 -x 0 -y 0 -r 10.0.0.7:80 -g -w 1",
            "-a -t 10.0.0.100:80 -x 7 -y 3 -r 10.0.0.9:80 -i -w 1 --tun-type gue --tun-port 6080 --tun-csum",
        ];
        assert_eq!(lines, wanted);
        assert_eq!(info(THRESHOLDS), Some(Info { version: (1, 2, 1), connections: 4096 }));
    }

    #[test]
    fn counters_daemons_and_timeouts() {
        let stats = "IP Virtual Server version 1.2.1 (size=4096)\n\
            Prot LocalAddress:Port               Conns   InPkts  OutPkts  InBytes OutBytes\n  -> RemoteAddress:Port\n\
            TCP  10.0.0.100:80                       5       10       20     3000     4000\n\
            \x20 -> 10.0.0.7:80                         1        2        3        4        5\n";
        let connections =
            "TCP  10.0.0.100:80 wlc\n  -> 10.0.0.7:80                  1         7           8          9\n";
        let all = counted(stats, connections);
        let [Counted { through, dests, .. }] = all.as_slice() else { panic!("{all:?}") };
        assert_eq!((through.connections, through.bytes_out), (5, 4000));
        let dest = dests.first().unwrap();
        assert_eq!(
            (dest.persistent, dest.connected.active, dest.connected.inactive, dest.through.packets_out),
            (7, 8, 9, 3)
        );
        let line =
            "backup sync daemon (mcast=sync0, syncid=8, maxlen=1400, group=224.0.0.90, port=8849, ttl=2)\n";
        let daemon = daemons(line).remove(0);
        assert_eq!((daemon.role, daemon.interface.as_str(), daemon.port), (Role::Backup, "sync0", 8849));
        let wanted = Timeouts { tcp: 900, tcp_fin: 120, udp: 300 };
        assert_eq!(timeouts("Timeout (tcp tcpfin udp): 900 120 300\n"), Some(wanted));
    }
}
