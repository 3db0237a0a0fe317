//! The directives of `ha.cf` as a table (configuration.md 1.2). What they do is not here.

/// How the arguments of a directive are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Once per argument; arguments end at blanks and commas.
    List,
    /// The rest of the line at once.
    Line,
}

/// One directive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Directive {
    /// Its name, lower case.
    pub name: &'static str,
    /// The text that counts when it is absent.
    pub default: Option<&'static str>,
    /// What it is for, in a few words.
    pub about: &'static str,
    /// How its arguments are read.
    pub shape: Shape,
    /// Whether its text can be read back: `cl_status hbparameter`, `HA_name` in scripts.
    pub recorded: bool,
}

/// A scalar: recorded, with or without a default.
const fn scalar(
    name: &'static str,
    default: Option<&'static str>,
    about: &'static str,
) -> Directive {
    Directive {
        name,
        default,
        about,
        shape: Shape::List,
        recorded: true,
    }
}

/// A directive that leaves no parameter behind.
const fn other(name: &'static str, shape: Shape, about: &'static str) -> Directive {
    Directive {
        name,
        default: None,
        about,
        shape,
        recorded: false,
    }
}

/// Every directive, in the order in which 3.0.6 shows parameters (`heartbeat -v`).
pub const DIRECTIVES: &[Directive] = &[
    scalar("cluster", Some("linux-ha"), "name of the cluster"),
    scalar(
        "hopfudge",
        Some("1"),
        "hops allowed beyond the number of nodes",
    ),
    scalar("keepalive", Some("1000ms"), "time between heartbeats"),
    scalar(
        "deadtime",
        Some("30000ms"),
        "silence after which a node is dead",
    ),
    scalar("deadping", None, "silence after which a ping node is dead"),
    scalar("initdead", None, "dead time right after start"),
    scalar("warntime", None, "silence after which a heartbeat is late"),
    scalar("watchdog", None, "watchdog device"),
    scalar("baud", Some("19200"), "speed of serial lines"),
    scalar("udpport", None, "UDP port of bcast and ucast"),
    scalar("logfacility", None, "syslog facility"),
    scalar("logfile", None, "log file"),
    scalar("debugfile", None, "file for all messages, debug too"),
    scalar(
        "auto_failback",
        Some("legacy"),
        "do resources return to their own node?",
    ),
    scalar("rtprio", None, "real-time priority"),
    scalar(
        "hbgenmethod",
        Some("file"),
        "where the generation number comes from",
    ),
    scalar(
        "realtime",
        Some("true"),
        "real-time scheduling and locked memory?",
    ),
    scalar("debug", None, "debug level"),
    scalar("msgfmt", Some("classic"), "encoding of messages sent"),
    scalar("use_logd", None, "log through the logging daemon?"),
    scalar(
        "conn_logd_time",
        Some("60"),
        "time between attempts to reach the logging daemon",
    ),
    scalar("log_badpack", Some("true"), "report malformed packets?"),
    scalar("syslogmsgfmt", Some("true"), "log files in syslog style?"),
    scalar("coredumps", Some("true"), "allow core dumps?"),
    scalar("coreroot", None, "directory for core dumps"),
    scalar(
        "pacemaker",
        Some("false"),
        "resource management by Pacemaker (not supported here)",
    ),
    scalar("crm", None, "older name of pacemaker"),
    scalar("autojoin", Some("none"), "may unknown nodes join?"),
    scalar("uuidfrom", Some("file"), "where the uuid comes from"),
    scalar("compression", Some("zlib"), "method for large messages"),
    scalar(
        "compression_threshold",
        Some("2"),
        "size in kB from which messages are compressed",
    ),
    scalar(
        "traditional_compression",
        Some("no"),
        "compress whole messages?",
    ),
    scalar(
        "max_rexmit_delay",
        Some("250"),
        "longest wait before asking for a resend, in ms",
    ),
    scalar("record_config_changes", Some("on"), "Pacemaker only"),
    scalar("record_pengine_inputs", Some("on"), "Pacemaker only"),
    scalar("enable_config_writes", Some("on"), "Pacemaker only"),
    scalar(
        "memreserve",
        Some("6500"),
        "memory to set aside before locking, in kB",
    ),
    scalar("quorum_server", None, "quorum server (no effect here)"),
    other("node", Shape::List, "nodes of the cluster"),
    other("nice_failback", Shape::List, "obsolete: see auto_failback"),
    other("use_apphbd", Shape::List, "register with apphbd?"),
    other("env", Shape::List, "NAME=VALUE for scripts and clients"),
    other("crm_daemon_dir", Shape::List, "Pacemaker only"),
    other("crmd_spawns_pengine", Shape::List, "Pacemaker only"),
    other("stonith", Shape::Line, "TYPE FILE: fencing device"),
    other(
        "stonith_host",
        Shape::Line,
        "HOST TYPE PARAMETERS: fencing device",
    ),
    other(
        "apiauth",
        Shape::Line,
        "CLIENT [uid=LIST] [gid=LIST]: who may be this client",
    ),
    other(
        "respawn",
        Shape::Line,
        "USER COMMAND: program to keep running",
    ),
    other(
        "failfast",
        Shape::Line,
        "as respawn; the node reboots when it dies",
    ),
    other("bcast", Shape::List, "UDP broadcast on these interfaces"),
    other("udp", Shape::List, "older name of bcast"),
    other("ucast", Shape::Line, "INTERFACE ADDRESS: UDP to one peer"),
    other(
        "ucast6",
        Shape::Line,
        "INTERFACE ADDRESS: UDP over IPv6 to one peer",
    ),
    other(
        "mcast",
        Shape::Line,
        "INTERFACE GROUP PORT TTL LOOP: UDP multicast",
    ),
    other(
        "mcast6",
        Shape::Line,
        "INTERFACE GROUP PORT HOPS LOOP: UDP multicast over IPv6",
    ),
    other("serial", Shape::List, "serial devices"),
    other("ping", Shape::List, "addresses that act as ping nodes"),
    other(
        "ping6",
        Shape::List,
        "IPv6 addresses that act as ping nodes",
    ),
    other(
        "ping_group",
        Shape::Line,
        "NAME ADDRESS ...: a ping node with several addresses",
    ),
];

/// The directive of this exact name.
pub fn find(name: &str) -> Option<&'static Directive> {
    DIRECTIVES.iter().find(|directive| directive.name == name)
}

/// The known name a misspelt one most likely stands for.
pub(super) fn nearest(name: &str) -> Option<&'static str> {
    let name = name.to_lowercase();
    let scored = DIRECTIVES.iter().map(|d| (distance(&name, d.name), d.name));
    scored
        .min()
        .filter(|&(score, _)| score <= 2)
        .map(|(_, name)| name)
}

/// How many letters must be changed, added or removed.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().take(40).enumerate() {
        let mut next = vec![i + 1];
        for (&y, pair) in b.as_bytes().iter().zip(row.windows(2)) {
            let &[diagonal, above] = pair else { continue };
            let left = next.last().copied().unwrap_or_default();
            next.push(
                (diagonal + usize::from(x != y))
                    .min(above + 1)
                    .min(left + 1),
            );
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn misspelt_names_are_recognised() {
        assert_eq!(nearest("KEEPALIVE"), Some("keepalive"));
        assert_eq!(nearest("dedtime"), Some("deadtime"));
        assert_eq!(nearest("hbaping"), None);
    }

    #[test]
    fn defaults_are_those_of_1_2() {
        let shown = DIRECTIVES.iter().filter(|d| d.default.is_some()).count();
        assert_eq!(
            shown, 24,
            "the number of lines `heartbeat -D` of 3.0.6 prints"
        );
        assert_eq!(find("memreserve").and_then(|d| d.default), Some("6500"));
    }
}
