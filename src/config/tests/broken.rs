//! Broken configurations. Each must be refused where it is broken, and no key may be shown.

use super::*;
use crate::config::Script;

/// Where the added line of `ha.cf` stands.
const ADDED: usize = 8;

fn refused_at(sources: &Sources, file: &str, line: usize, column: usize) {
    let checked = check(sources, &FakeHost::usual());
    let shown: Vec<String> = checked.diagnostics.iter().map(ToString::to_string).collect();
    let shown = shown.join("\n");
    let errors = checked.diagnostics.iter().filter(|d| d.is_error());
    let places: Vec<_> = errors.map(|d| (d.file.as_str(), d.line, d.column)).collect();
    assert_eq!(places, [(file, line, column)], "{shown}");
    assert!(checked.is_refused());
    let everything = format!("{shown}{checked:?}{sources:?}");
    assert!(!everything.contains("TopSecret"), "{everything}");
    let last = checked.reference_lines().last().map(|(_, text)| text.as_str());
    assert_eq!(last, Some("Configuration error, heartbeat not started."));
    let start = format!("{file}:{line}:{column}: error: ");
    assert!(shown.lines().any(|line| line.starts_with(&start)), "{shown}");
}

#[test]
fn directives() {
    for (line, column) in [
        // times
        ("keepalive 2x", 11),
        ("keepalive 0", 11),
        ("keepalive -1", 11),
        ("deadtime 10s", 10),
        ("deadtime 1.2.3", 10),
        ("initdead abc", 10),
        ("warntime 0", 10),
        ("deadping 1m", 10),
        ("conn_logd_time 0", 16),
        ("max_rexmit_delay 0", 18),
        // booleans and words
        ("auto_failback maybe", 15),
        ("use_logd 2", 10),
        ("realtime enable", 10),
        ("coredumps x", 11),
        ("log_badpack x", 13),
        ("syslogmsgfmt x", 14),
        ("traditional_compression x", 25),
        ("record_config_changes x", 23),
        ("nice_failback x", 15),
        ("hbgenmethod FILE", 13),
        ("msgfmt text", 8),
        ("uuidfrom uname", 10),
        ("autojoin some", 10),
        ("autojoin any", 10),
        ("crm on", 5),
        ("pacemaker respawn", 11),
        ("compression lzma", 13),
        ("logfacility foo", 13),
        // numbers and ports
        ("udpport 694x", 9),
        ("udpport 0", 9),
        ("udpport 65536", 9),
        ("hopfudge 256", 10),
        ("debug x", 7),
        ("rtprio 100", 8),
        ("memreserve 0", 12),
        ("compression_threshold 0", 23),
        ("baud 1234", 6),
        ("baud 9600\nbaud 9600", 6),
        // interfaces and addresses
        ("bcast eth9", 7),
        ("bcast tun0", 7),
        ("ucast eth9 10.1.1.2", 7),
        ("ucast eth0", 7),
        ("ucast", 1),
        ("ucast eth0 300.1.2.3", 12),
        ("ucast eth0 unknown-host", 12),
        ("ucast eth0 255.255.255.255", 12),
        ("ucast6 eth0 fe80::zz", 13),
        ("ucast6 eth9 fe80::1", 8),
        ("mcast eth9 239.1.2.3 694 1 0", 7),
        ("mcast eth0 10.1.2.3 694 1 0", 12),
        ("mcast eth0 239.1.2.3 99999 1 0", 22),
        ("mcast eth0 239.1.2.3 694 5 0", 26),
        ("mcast eth0 239.1.2.3 694 1 2", 28),
        ("mcast eth0 239.1.2.3 694", 7),
        ("mcast6 eth0 2001::1 694 1 0", 13),
        ("ping 300.1.1.1", 6),
        ("ping b2x", 6),
        ("ping6 x", 7),
        ("ping_group g", 12),
        ("ping_group g 10.1.1.9 300.1.1.1", 23),
        ("ping_group g nohost", 14),
        ("stonith_host b1 null", 14),
        ("serial /dev/nonesuch", 8),
        ("serial ttyS0", 8),
        ("serial /dev/null", 8),
        // users, programs
        ("respawn nobodyatall /bin/true", 9),
        ("respawn 0 /bin/true", 9),
        ("respawn root true", 14),
        ("respawn root /bin/nonesuch -x", 14),
        ("respawn root", 9),
        ("respawn", 1),
        ("failfast root /etc/passwd", 15),
        ("apiauth foo", 9),
        ("apiauth foo uid=nobodyatall", 13),
        ("apiauth foo gid=nobodyatall", 13),
        ("apiauth foo bar=1", 13),
        ("apiauth foo uid=0 uid=0", 19),
        // the rest
        ("env =b", 5),
        ("stonith", 1),
        ("stonith nosuch /etc/passwd", 9),
        ("stonith null /nonesuch", 14),
        ("stonith_host b1 nosuch", 17),
        ("watchdog /dev/null /dev/null", 20),
        ("foo bar", 1),
        ("KEEPALIVE 1", 1),
        ("hbaping x", 1),
        ("bcast,eth0", 1),
    ] {
        let line_number = ADDED + line.matches('\n').count();
        let text = format!("{HA_CF}{line}\n");
        refused_at(&with("ha.cf", text.as_bytes()), "ha.cf", line_number, column);
    }
}

#[test]
fn directives_that_contradict_each_other() {
    for (text, line, column) in [
        ("logfacility daemon\nkeepalive 1\ndeadtime 2\nbcast eth0\nnode b1\n", 3, 10),
        ("logfacility daemon\ndeadtime 30\ninitdead 20\nbcast eth0\nnode b1\n", 3, 10),
        ("logfacility daemon\ndeadping 2\nbcast eth0\nnode b1\n", 2, 10),
        ("use_logd off\nbcast eth0\nnode b1\n", 1, 10),
        ("logfacility daemon\nnode b1 b2\n", 1, 1),
        ("logfacility daemon\nbcast eth0\nnode b2 b3\nnode b4\n", 1, 1),
        ("logfacility daemon\nbcast eth0\nnode b1 b2\nping b2\n", 4, 6),
        ("logfacility daemon\nbcast eth0\nnode b1 b2\nping_group eth0 10.1.1.9\n", 4, 12),
    ] {
        let mut sources = sources(text, AUTHKEYS, "");
        sources.debug = 1;
        let mut host = FakeHost::usual();
        host.hosts.insert("b2".to_owned(), vec!["10.1.1.2".parse().unwrap()]);
        let checked = check(&sources, &host);
        let errors = checked.diagnostics.iter().filter(|d| d.is_error());
        let places: Vec<_> = errors.map(|d| (d.line, d.column)).collect();
        assert_eq!(places, [(line, column)], "{text}{:?}", checked.diagnostics);
    }
}

#[test]
fn resources() {
    for (text, line, column) in [
        ("b3 10.1.1.100\n", 1, 1),
        ("b1 apache2\nb3\n", 2, 1),
        ("# x\nb1 nosuchscript::x\n", 2, 4),
        ("b1 300.1.2.3\n", 1, 4),
        ("b1 10.1.1.100/33\n", 1, 4),
        ("b1 10.1.1.100/24/eth9\n", 1, 4),
        ("b1 10.1.1.100/24/eth9 apache2\n", 1, 4),
        ("b2 apache2\nb1 10.1.1.100 10.1.1.101/24/eth9\n", 2, 15),
        ("b1 apache2 \\\n  IPaddr2::10.1.1.256/24/eth0\n", 2, 3),
        ("b1 IPaddr2::10.1.1.1/24/eth0/10.1.1.999\n", 1, 4),
        ("b1 IPaddr::224.0.0.1\n", 1, 4),
        ("b1 IPaddr::10.1.1.1/255.0.255.0\n", 1, 4),
        ("b1 IPv6addr::2001:db8::1::2\n", 1, 4),
        ("b1 IPv6addr::2001:db8:1:2:3:4:5:6/129\n", 1, 4),
        // What no start of these scripts takes.
        ("b1 IPaddr2\n", 1, 4),
        ("b1 IPaddr2::\n", 1, 4),
        ("b1 IPaddr2::10.1.1.100::24::eth0\n", 1, 4),
        ("b1 IPaddr2::10.1.1.100//eth0\n", 1, 4),
        ("b1 10.1.1.100//eth0\n", 1, 4),
        ("b1 IPaddr2::peer/24/eth0\n", 1, 4),
        ("b1 IPaddr::peer/24/eth0\n", 1, 4),
        ("b1 IPaddr2::2001:db8:0:0:0:0:0:5/64/eth0\n", 1, 4),
        ("b1 IPaddr2::2001:db8::5/64/eth0\n", 1, 4),
        ("b1 IPaddr2::10.1.1.100/24/eth0:far-too-long\n", 1, 4),
        ("b1 IPaddr::10.1.1.100/24/eth0/+\n", 1, 4),
        ("b1 IPaddr2::10.1.1.100/255.0.255.0/eth0\n", 1, 4),
        ("b1 IPv6addr::2001:db8:0:0:0:0:0:5/64/eth9:1\n", 1, 4),
        ("b1 apache2\n\x7fELF\x01\n", 2, 1),
        ("b1 apache2\0\n", 1, 11),
    ] {
        refused_at(&with("haresources", text.as_bytes()), "haresources", line, column);
    }
}

/// The administrator is told what is wrong with his script, not that there is none.
#[test]
fn a_script_that_may_not_be_executed() {
    let mut host = FakeHost::usual();
    let path = "/etc/ha.d/resource.d/apache2".into();
    host.scripts.insert("apache2".to_owned(), Script::NotExecutable(path));
    let checked = check(&with("haresources", b"b1 apache2\n"), &host);
    let told: Vec<String> = checked.diagnostics.iter().map(ToString::to_string).collect();
    assert!(checked.is_refused(), "{told:?}");
    assert!(told.concat().contains("/etc/ha.d/resource.d/apache2 is not executable"), "{told:?}");
}

#[test]
fn keys() {
    for (text, line, column) in [
        ("", 1, 1),
        ("1 sha1 TopSecret\n", 1, 1),
        ("1 sha1 TopSecret\nauth 1\n", 2, 6),
        ("auth 2\n1 sha1 TopSecret\n", 1, 6),
        ("auth 1\n1 sha1\n", 2, 3),
        ("auth 1\n1 sha256 TopSecret\n", 2, 3),
        ("auth 1\n1 crc TopSecret\n", 2, 7),
        ("auth 1\n1 sha1 TopSecret\n99 md5 TopSecret\n", 3, 1),
        ("auth 1\n1 sha1 TopSecret\nTopSecret\n", 3, 1),
        ("auth 1\n1 sha1 TopSecret\nalsoTopSecret\n", 3, 1),
        ("auth 1\n1 sha1 TopSecret\n2 TopSecret\n", 3, 3),
        ("auth 1\n1 sha1 TopSecret\n2 TopSecret TopSecret\n", 3, 3),
        ("auth one\n1 sha1 TopSecret\n", 1, 1),
        ("auth 1\n1 sha1 TopSecret\n\0\n", 3, 1),
    ] {
        refused_at(&with("authkeys", text.as_bytes()), "authkeys", line, column);
    }
}

#[test]
fn files_that_are_missing_or_open_to_others() {
    for file in ["ha.cf", "authkeys", "haresources"] {
        let mut sources = sources(HA_CF, AUTHKEYS, HARESOURCES);
        match file {
            "ha.cf" => sources.ha_cf = missing(file),
            "authkeys" => sources.authkeys = missing(file),
            _ => sources.haresources = missing(file),
        }
        refused_at(&sources, file, 1, 1);
    }
    let mut sources = sources(HA_CF, AUTHKEYS, HARESOURCES);
    sources.authkeys = Ok(Source::new("authkeys", AUTHKEYS, 0o644));
    refused_at(&sources, "authkeys", 1, 1);
}

#[test]
fn binary_data_in_ha_cf() {
    refused_at(&with("ha.cf", format!("{HA_CF}\x01\x02\n").as_bytes()), "ha.cf", ADDED, 1);
    refused_at(&with("ha.cf", format!("{HA_CF}debug 1\0\n").as_bytes()), "ha.cf", ADDED, 8);
}

#[test]
fn all_problems_of_all_files_come_at_once() {
    let ha_cf = "keepalive 2x\nbcast eth9\nnode b1 b2\nlogfacility daemon\n";
    let checked =
        check(&sources(ha_cf, "auth 1\n1 foo TopSecret\n", "b9 apache2\nb1 nosuch\n"), &FakeHost::usual());
    let places: Vec<_> = checked.diagnostics.iter().map(|d| (d.file.as_str(), d.line, d.column)).collect();
    let wanted =
        [("ha.cf", 1, 11), ("ha.cf", 2, 7), ("authkeys", 2, 3), ("haresources", 1, 1), ("haresources", 2, 4)];
    assert_eq!(places, wanted);
}
