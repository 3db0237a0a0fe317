//! Broken configurations, end to end: refused with file and line, and nothing else happens.

use super::*;

/// The next line after those of the base.
const NEXT: usize = LINES + 1;

/// What is broken, and where the complaint must point.
struct Case {
    ha_cf: String,
    authkeys: String,
    resources: String,
    /// A shell command after the files are there.
    further: &'static str,
    at: String,
}

/// A further line of ha.cf.
fn line(text: &str, column: usize) -> Case {
    let at = format!("ha.cf:{}:{column}", NEXT + text.matches('\n').count());
    Case { ha_cf: format!("{HA_CF}{text}\n"), at, ..good() }
}

fn changed(from: &str, to: &str, line: usize, column: usize) -> Case {
    assert!(HA_CF.contains(from));
    Case { ha_cf: HA_CF.replace(from, to), at: format!("ha.cf:{line}:{column}"), ..good() }
}

fn keys(text: &str, line: usize, column: usize) -> Case {
    Case { authkeys: text.to_owned(), at: format!("authkeys:{line}:{column}"), ..good() }
}

fn resources(text: &str, line: usize, column: usize) -> Case {
    Case { resources: text.to_owned(), at: format!("haresources:{line}:{column}"), ..good() }
}

fn after(further: &'static str, at: &str) -> Case {
    Case { further, at: at.to_owned(), ..good() }
}

fn good() -> Case {
    Case {
        ha_cf: HA_CF.to_owned(),
        authkeys: AUTHKEYS.to_owned(),
        resources: RESOURCES.to_owned(),
        further: "true",
        at: String::new(),
    }
}

fn cases() -> Vec<Case> {
    let mut all = directives();
    all.extend([
        changed("deadtime 1", "deadtime 400ms", 5, 10),
        changed("initdead 1", "initdead 500ms", 6, 10),
        changed("bcast eth0\n", "", 1, 1),
        changed("node b1 b2", "node b8 b9", 1, 1),
        changed("logfile /var/log/ha-log\ndebugfile /var/log/ha-debug", "use_logd off", 1, 10),
        keys("", 1, 1),
        keys("1 sha1 TopSecret\n", 1, 1),
        keys("auth 2\n1 sha1 TopSecret\n", 1, 6),
        keys("1 sha1 TopSecret\nauth 1\n", 2, 6),
        keys("auth 1\n1 sha1\n", 2, 3),
        keys("auth 1\n1 sha512 TopSecret\n", 2, 3),
        keys("auth 1\n1 crc TopSecret\n", 2, 7),
        keys("auth 1\n1 sha1 TopSecret\n99 md5 TopSecret\n", 3, 1),
        keys("auth 1\n1 sha1 TopSecret\nTopSecret\n", 3, 1),
        keys("auth 1\n1 sha1 TopSecret\nauthTopSecret\n", 3, 1),
        resources("b3 probe::one\n", 1, 1),
        resources("# b1\nb1 nosuchscript\n", 2, 4),
        resources("b1 300.1.2.3\n", 1, 4),
        resources("b1 10.80.0.99/33\n", 1, 4),
        resources("b1 10.80.0.99/24/eth9\n", 1, 4),
        resources("b1 probe \\\n  IPaddr2::10.80.0.256/24/eth0\n", 2, 3),
        after("chmod 644 /etc/ha.d/authkeys", "authkeys:1:1"),
        after("rm /etc/ha.d/ha.cf", "ha.cf:1:1"),
        after("rm /etc/ha.d/authkeys", "authkeys:1:1"),
        after("rm /etc/ha.d/haresources", "haresources:1:1"),
        after("rm /etc/ha.d/ha.cf; mkdir /etc/ha.d/ha.cf", "ha.cf:1:1"),
        after("head -c 4096 /dev/urandom >/etc/ha.d/ha.cf", "ha.cf:1:"),
        after("head -c 4096 /dev/urandom >/etc/ha.d/authkeys", "authkeys:1:"),
        after("head -c 4096 /dev/urandom >/etc/ha.d/haresources", "haresources:1:"),
        after("cp /bin/true /etc/ha.d/ha.cf", "ha.cf:1:1"),
    ]);
    all
}

fn directives() -> Vec<Case> {
    vec![
        // times, booleans, words
        line("keepalive 2x", 11),
        line("keepalive -1", 11),
        line("deadtime 10s", 10),
        line("warntime 0", 10),
        line("initdead abc", 10),
        line("auto_failback maybe", 15),
        line("use_logd 2", 10),
        line("realtime enable", 10),
        line("msgfmt text", 8),
        line("logfacility foo", 13),
        line("autojoin any", 10),
        line("crm on", 5),
        // numbers and ports
        line("udpport 0", 9),
        line("udpport 65536", 9),
        line("udpport 694x", 9),
        line("hopfudge 256", 10),
        line("rtprio 100", 8),
        line("baud 1234", 6),
        // interfaces and addresses
        line("bcast eth9", 7),
        line("ucast eth9 10.80.0.2", 7),
        line("ucast eth0", 7),
        line("ucast eth0 300.1.2.3", 12),
        line("ucast eth0 no-such-host.invalid", 12),
        line("mcast eth0 10.1.2.3 694 1 0", 12),
        line("mcast eth9 239.1.2.3 694 1 0", 7),
        line("mcast eth0 239.1.2.3 694 5 0", 26),
        line("ping 300.1.1.1", 6),
        line("serial /dev/null", 8),
        // users and programs
        line("respawn nobodyatall /bin/true", 9),
        line("respawn root true", 14),
        line("respawn root /bin/nonesuch -x", 14),
        line("failfast root /etc/passwd", 15),
        line("apiauth foo uid=nobodyatall", 13),
        line("stonith nosuch /etc/passwd", 9),
        // the rest
        line("foo bar", 1),
        line("KEEPALIVE 1", 1),
        line("\x01\x02", 1),
        line("debug 1\0", 8),
        line("env =b", 5),
    ]
}

/// Every file with its mode, size and time, and every process.
const STATE: &str = "find /var/lib/heartbeat /run -printf '%p %m %s %T@ %l\\n' | sort; cat /var/lib/heartbeat/hb_generation; ls /proc/*/exe -l 2>/dev/null | grep -c /heartbeat || true";

fn refused(node: &Node, case: &Case) -> Result<(), String> {
    shell(node, "rm -rf /etc/ha.d/ha.cf /var/log/ha-*");
    node.configure(&case.ha_cf, &case.authkeys, &case.resources).unwrap();
    shell(node, case.further);
    let before = shell(node, STATE);
    let said = heartbeat(node, "");
    let state = shell(node, STATE);
    let place = format!("ERROR: /etc/ha.d//{}", case.at);
    let told =
        said.err.lines().any(|l| l.split_once(&place).is_some_and(|(_, rest)| rest.contains(": error: ")));
    let logs = node.log() + &node.read("/var/log/ha-debug");
    let secret = ["TopSecret"]
        .iter()
        .any(|key| said.err.contains(key) || logs.contains(key) || said.out.contains(key));
    let last = said.err.contains("ERROR: Configuration error, heartbeat not started.");
    match (said.code, told, last, secret, before == state, node.daemon_runs()) {
        (Some(6), true, true, false, true, false) => Ok(()),
        _ => Err(format!(
            "{}: exit {:?}, place told: {told}, last line: {last}, key shown: {secret}\n{}\nbefore:\n{before}after:\n{state}",
            case.at, said.code, said.err
        )),
    }
}

#[test]
fn is_refused_and_nothing_else_happens() {
    let lab = ours("broken");
    let cases = cases();
    assert!(cases.len() >= 60);
    let failures: Vec<String> = std::thread::scope(|scope| {
        let halves: Vec<_> = cases
            .chunks(cases.len().div_ceil(2))
            .zip(lab.nodes())
            .map(|(cases, node)| {
                scope.spawn(move || {
                    // as after an earlier life
                    node.write("/var/lib/heartbeat/hb_generation", "            700\n", 0o644).unwrap();
                    cases.iter().filter_map(|case| refused(node, case).err()).collect::<Vec<_>>()
                })
            })
            .collect();
        halves.into_iter().flat_map(|half| half.join().unwrap()).collect()
    });
    assert!(failures.is_empty(), "{} of {}:\n{}", failures.len(), cases.len(), failures.join("\n\n"));
    // and the same files unbroken start
    apart(&lab);
    let node = lab.node(1);
    shell(node, "rm -rf /etc/ha.d/ha.cf");
    node.configure(HA_CF, AUTHKEYS, RESOURCES).unwrap();
    start_alone(node);
    assert_eq!(node.read("/var/lib/heartbeat/hb_generation"), "            701\n");
}
