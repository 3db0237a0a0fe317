//! What valid configurations mean. Expectations from configuration.md sections 1 to 3.

use std::time::Duration;

use super::*;
use crate::config::directive::DIRECTIVES;
use crate::config::*;

fn accepted(ha_cf: &str) -> Config {
    let checked = check(&sources(ha_cf, AUTHKEYS, ""), &FakeHost::usual());
    let shown: Vec<String> = checked.diagnostics.iter().map(ToString::to_string).collect();
    checked.config.unwrap_or_else(|| panic!("{ha_cf}\n{}", shown.join("\n")))
}

/// A configuration with these lines added.
fn added(lines: &str) -> Config {
    accepted(&format!("{HA_CF}{lines}\n"))
}

fn ms(value: u64) -> Duration {
    Duration::from_millis(value)
}

fn parameter<'a>(config: &'a Config, name: &str) -> Option<&'a str> {
    config.parameters.iter().find(|(n, _)| n == name).map(|(_, text)| text.as_str())
}

#[test]
fn the_smallest_file_gets_the_defaults_of_1_2_and_1_3() {
    let config = accepted("node b1 b2\nbcast eth0\n");
    let names: Vec<&str> = config.nodes.iter().map(|n| n.name.as_str()).collect();
    assert_eq!(names, ["b1", "b2"]);
    assert_eq!(config.this_node, "b1");
    let timing = Timing {
        keepalive: ms(1000),
        deadtime: ms(30_000),
        warntime: ms(15_000),
        initdead: ms(30_000),
        deadping: ms(30_000),
    };
    assert_eq!(config.timing, timing);
    assert_eq!(config.media, [Medium::Bcast { iface: "eth0".into(), port: 694 }]);
    assert_eq!(config.auto_failback, AutoFailback::Legacy);
    assert!(config.logging.use_logd, "nothing else is configured: 1.4 (8)");
    for (name, text) in [
        ("keepalive", "1000ms"),
        ("deadtime", "30000ms"),
        ("warntime", "15000ms"),
        ("initdead", "30000ms"),
        ("deadping", "30000ms"),
        ("udpport", "694"),
        ("debug", "0"),
        ("auto_failback", "legacy"),
        ("pacemaker", "false"),
        ("memreserve", "6500"),
        ("max_rexmit_delay", "250"),
    ] {
        assert_eq!(parameter(&config, name), Some(text), "{name}");
    }
    for name in ["node", "use_logd", "logfile", "rtprio", "watchdog", "coreroot", "bcast", "crm"] {
        assert_eq!(parameter(&config, name), None, "{name}");
    }
}

#[test]
fn initdead_depends_on_deadtime() {
    let initdead =
        |deadtime: &str| accepted(&format!("node b1\nbcast eth0\ndeadtime {deadtime}\n")).timing.initdead;
    assert_eq!(initdead("5"), ms(12_000));
    assert_eq!(initdead("6"), ms(12_000));
    assert_eq!(initdead("8"), ms(16_000));
    assert_eq!(initdead("10"), ms(20_000));
    assert_eq!(initdead("11"), ms(11_000));
}

#[test]
fn lexical_rules_of_1_1() {
    let config = added("\tkeepalive 1 2#x\r\n node B3,b4\x0cB5 # more\nnode\nping 10.1.1.7,10.1.1.8");
    assert_eq!(config.timing.keepalive, ms(2000));
    assert_eq!(parameter(&config, "keepalive"), Some("2"));
    let names: Vec<&str> = config.nodes.iter().map(|n| n.name.as_str()).collect();
    assert_eq!(names, ["b1", "b2", "b3", "b4", "b5", "10.1.1.7", "10.1.1.8"]);
    let config = added("respawn root /bin/true a,b # c\ncrm OFF\nauto_failback LEGACY");
    assert_eq!(config.clients.first().map(|c| c.command.as_str()), Some("/bin/true a,b"));
    assert_eq!(parameter(&config, "crm"), Some("OFF"));
    assert_eq!(parameter(&config, "pacemaker"), Some("OFF"));
}

#[test]
fn scalars_keep_their_last_value_and_its_text() {
    let config = added("deadtime 20\ndeadtime 9500ms\nenv A=1\nenv B=x=y\nenv A=2\nrtprio 5");
    assert_eq!(config.timing.deadtime, ms(9500));
    assert_eq!(parameter(&config, "deadtime"), Some("9500ms"));
    assert_eq!(config.env, [("B".into(), "x=y".into()), ("A".into(), "2".into())]);
    assert_eq!((parameter(&config, "rtprio"), config.realtime.priority), (Some("5"), 5));
}

#[test]
fn every_medium() {
    let lines = "ucast eth0 10.1.1.1\nucast eth0 peer\nmcast eth0 239.1.2.3 695 1 0\nmcast\n\
                 ucast6 eth0 fe80::1\nmcast6 eth0 ff02::1 694 2 1\nserial /dev/ttyS0\n\
                 ping_group g1 10.1.1.8 10.1.1.9\nping6 fe80::2\nbaud 9600";
    let config = added(lines);
    let v4 = |text: &str| text.parse().unwrap();
    let v6 = |text: &str| text.parse().unwrap();
    let iface = || "eth0".to_owned();
    let wanted = [
        Medium::Bcast { iface: iface(), port: 694 },
        Medium::Ucast { iface: iface(), peer: v4("10.1.1.1"), port: 694 },
        Medium::Ucast { iface: iface(), peer: v4("10.1.1.2"), port: 694 },
        Medium::Mcast { iface: iface(), group: v4("239.1.2.3"), port: 695, ttl: 1, looped: false },
        Medium::Ucast6 { iface: iface(), peer: v6("fe80::1"), port: 694 },
        Medium::Mcast6 { iface: iface(), group: v6("ff02::1"), port: 694, hops: 2, looped: true },
        Medium::Serial { device: "/dev/ttyS0".into(), baud: 9600 },
        Medium::PingGroup { name: "g1".into(), peers: vec![v4("10.1.1.8"), v4("10.1.1.9")] },
        Medium::Ping6 { name: "fe80::2".into(), peer: v6("fe80::2") },
    ];
    assert_eq!(config.media, wanted);
    let pings: Vec<&str> = config.nodes.iter().skip(2).map(|n| n.name.as_str()).collect();
    assert_eq!(pings, ["g1", "fe80::2"]);
}

#[test]
fn udpport_counts_for_the_media_below_it() {
    let config = accepted("node b1\nbcast eth0\nudpport 700\nucast eth0 10.1.1.2\n");
    let ports: Vec<u16> = config
        .media
        .iter()
        .map(|m| match m {
            Medium::Bcast { port, .. } | Medium::Ucast { port, .. } => *port,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(ports, [694, 700]);
}

#[test]
fn old_program_directories_still_work() {
    for directory in ["/usr/lib/heartbeat", "/usr/lib64/heartbeat", "/usr/libexec/heartbeat"] {
        let config = added(&format!("respawn hacluster {directory}/ipfail -x"));
        let client = config.clients.first().unwrap();
        assert_eq!(client.command, "/usr/libexec/heartbeat/ipfail -x");
        assert_eq!((client.user.as_str(), client.uid, client.gid), ("hacluster", 102, 105));
    }
}

#[test]
fn api_clients_have_built_in_entries_unless_configured() {
    let config = added("apiauth ipfail uid=root,7 gid=haclient\napiauth mine gid=0");
    let entry = |name: &str| {
        let found = config.apiauth.iter().find(|entry| entry.client == name).unwrap();
        (found.uids.clone(), found.gids.clone())
    };
    assert_eq!(entry("ipfail"), (vec![0, 7], vec![105]));
    assert_eq!(entry("mine"), (vec![], vec![0]));
    assert_eq!(entry("ccm"), (vec![102], vec![]));
    assert_eq!(entry("ping"), (vec![], vec![105]));
    assert_eq!(entry("lha-snmpagent"), (vec![0], vec![]));
    assert_eq!(entry("anon"), (vec![0], vec![105]));
    assert_eq!(config.apiauth.len(), 6);
}

#[test]
fn fencing_devices_for_other_hosts_are_skipped_unread() {
    let config = added("stonith_host b1 null b1 b2\nstonith_host b9 nosuch");
    let setup = StonithSetup::Parameters(vec!["b1".into(), "b2".into()]);
    assert_eq!(config.stonith, Some(Stonith { kind: "null".into(), setup }));
}

#[test]
fn what_3_0_6_accepts_and_works_is_accepted() {
    for line in [
        "logfile /nonexistent/dir/log",
        "coreroot /nonexistent",
        "ucast eth0 10.1.1.1",
        "node b1 b2",
        "watchdog /dev/watchdog",
        "udp eth0",
        "udpport 123",
        "nice_failback on",
        "logfacility none\nlogfile /var/log/ha-log",
        "crm no",
        "crm_daemon_dir /x",
        "ping_group g nohost 10.1.1.9",
        "keepalive",
        "compression bz2",
        "compression_threshold 2kb",
        "max_rexmit_delay 250ms",
        "quorum_server q",
        "use_apphbd yes",
        "warntime 60",
        "mcast eth0 239.1.2.3 694 1 0 extra",
        "failfast root /bin/true",
        "# \u{fc}ber",
    ] {
        added(line);
    }
    let latin1 = [HA_CF.as_bytes(), b"# \xfcber alles\ncluster K\xf6ln\n"].concat();
    let checked = check(&with("ha.cf", &latin1), &FakeHost::usual());
    assert_eq!(checked.config.map(|c| c.cluster), Some("Köln".to_owned()));
    let crlf = HA_CF.replace('\n', "\r\n");
    assert_eq!(check(&with("ha.cf", crlf.as_bytes()), &FakeHost::usual()).diagnostics, []);
}

#[test]
fn long_lines_are_not_cut() {
    let comment = format!("#{}\n", "x".repeat(6000));
    added(&comment);
    let blanks = format!("keepalive {} 2", " ".repeat(6000));
    assert_eq!(added(&blanks).timing.keepalive, ms(2000));
}

#[test]
fn odd_but_harmless_things_are_warned_of() {
    for (line, column) in [
        ("node b2", 6),
        ("keepalive", 1),
        ("warntime 60", 10),
        ("udpport 123", 9),
        ("logfile /nonexistent/x", 9),
        ("deadtime 11", 10),
        ("env A", 5),
        ("bcast eth0", 7),
        ("udp", 1),
    ] {
        let checked = with_line(line);
        let found = checked.diagnostics.first().unwrap_or_else(|| panic!("{line}"));
        assert_eq!((found.is_error(), found.line, found.column), (false, 8, column), "{line}");
    }
}

/// A script that brings up a bridge, say.
#[test]
fn an_interface_that_is_not_there_may_come_with_a_script() {
    for (text, places) in [
        ("b1 apache2 10.1.1.100/24/br0\n", &[(1, 12)][..]),
        ("b1 apache2 10.1.1.100/24/br0:1 IPv6addr::2001:db8:0:0:0:0:0:5/64/br0\n", &[(1, 12), (1, 32)]),
        ("b2 10.1.1.100 apache2\nb1 10.1.1.101\nB2 IPaddr2::10.1.1.102/24/br0\n", &[(3, 4)]),
    ] {
        let checked = check(&with("haresources", text.as_bytes()), &FakeHost::usual());
        assert!(!checked.is_refused(), "{text}{:?}", checked.diagnostics);
        let found: Vec<_> = checked.diagnostics.iter().map(|d| (d.line, d.column)).collect();
        assert_eq!(found, places, "{text}{:?}", checked.diagnostics);
    }
}

/// Each is taken by the script of that name in resource-agents, and by ours.
#[test]
fn addresses_as_the_scripts_take_them() {
    for word in [
        "IPaddr2::10.1.1.100/255.255.255.0/eth0",
        "IPaddr2::10.1.1.100/24/eth0/+",
        "IPaddr2::10.1.1.100/24/eth0/-",
        "IPaddr2::10.1.1.100/24/:web",
        "IPaddr2::10.1.1.100/24//eth0",
        "IPaddr2::10.1.1.100/24/10.1.1.255",
        "IPaddr::10.1.1.100/24/eth0:a-label-that-is-not-used",
        "IPv6addr::2001:db8:0:0:0:0:0:5/64/eth0:1",
        "IPv6addr::2001:db8:0:0:0:0:0:5//eth0",
        "IPv6addr::2001:db8:0:0:0:0:0:5/0/eth0",
    ] {
        let checked = check(&with("haresources", format!("b1 {word}\n").as_bytes()), &FakeHost::usual());
        assert!(checked.diagnostics.is_empty(), "{word}: {:?}", checked.diagnostics);
    }
}

/// An administrator's own script of that name: it may want other words, and bring interfaces, of which he is warned.
#[test]
fn the_words_for_an_own_script_are_its_own_business() {
    let mut host = FakeHost::usual();
    for name in ["IPaddr", "IPaddr2"] {
        host.scripts.insert(name.to_owned(), Script::Own);
    }
    for text in [
        "b1 IPaddr2::web/production\n",
        "b1 IPaddr2\n",
        "b1 IPaddr2::10.1.1.100/24/vx0\n",
        "b1 IPaddr::10.1.1.100/vx0 10.1.1.101/vx0\n",
    ] {
        let checked = check(&with("haresources", text.as_bytes()), &host);
        assert!(!checked.is_refused(), "{text}{:?}", checked.diagnostics);
        let warned = text.contains("/24/vx0");
        assert_eq!(checked.diagnostics.len(), usize::from(warned), "{text}{:?}", checked.diagnostics);
    }
    let mistyped = check(&with("haresources", b"b1 IPaddr2::10.1.1.300/24/vx0\n"), &host);
    assert!(mistyped.is_refused(), "nobody means that");
    let behind = "b1 IPaddr2::vx0 IPv6addr::2001:db8:0:0:0:0:0:5/64/vx0\n";
    let checked = check(&with("haresources", behind.as_bytes()), &host);
    assert!(!checked.is_refused() && checked.diagnostics.len() == 1, "{:?}", checked.diagnostics);
}

#[test]
fn haresources_come_with_the_configuration() {
    let text = "B1 IPaddr::10.1.1.100/255.255.255.0/eth0:1/10.1.1.255 apache2\n\
                b2 IPv6addr::2001:db8:0:0:0:0:0:5/64/eth0 IPaddr2::10.1.1.101\n10.1.1.7 Delay::1\n";
    let mut sources = with("haresources", text.as_bytes());
    sources.ha_cf = Ok(Source::new("ha.cf", format!("{HA_CF}ping 10.1.1.7\n"), 0o666));
    let checked = check(&sources, &FakeHost::usual());
    let shown: Vec<String> = checked.diagnostics.iter().map(ToString::to_string).collect();
    let config = checked.config.unwrap_or_else(|| panic!("{}", shown.join("\n")));
    let nodes: Vec<&str> = config.groups.iter().map(|g| g.node.as_str()).collect();
    assert_eq!(nodes, ["b1", "b2", "10.1.1.7"]);
}

/// The table says what an absent directive means, for `heartbeat -D`, and the model does too. `memreserve` differs on
/// purpose: ours needs less.
#[test]
fn a_default_that_is_written_down_changes_nothing() {
    let read = |line: &str| format!("{:#?}", accepted(&format!("node b1 b2\nbcast eth0\n{line}")));
    let plain = read("");
    let defaults = DIRECTIVES.iter().filter(|directive| directive.name != "memreserve");
    for (name, default) in defaults.filter_map(|directive| Some((directive.name, directive.default?))) {
        assert_eq!(read(&format!("{name} {default}\n")), plain, "{name} {default}");
    }
}
