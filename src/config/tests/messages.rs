//! What is said, in our words and in those of 3.0.6. Texts of 3.0.6 from configuration.md.

use super::*;
use crate::level::Level;

fn said(checked: &Checked) -> Vec<String> {
    let lines = checked.reference_lines().iter();
    lines
        .map(|(level, text)| format!("{}: {text}", level.word()))
        .collect()
}

#[test]
fn a_diagnostic_shows_place_line_and_remedy() {
    let checked = with_line("warntime 2x");
    let shown = checked
        .diagnostics
        .first()
        .map(ToString::to_string)
        .unwrap_or_default();
    let lines: Vec<&str> = shown.lines().collect();
    assert_eq!(
        lines.first(),
        Some(&"ha.cf:8:10: error: warntime: \"2x\" is not a time")
    );
    assert!(lines.contains(&"8 | warntime 2x"), "{shown}");
    assert!(lines.contains(&"  |          ^^"), "{shown}");
    assert!(
        lines
            .last()
            .is_some_and(|line| line.starts_with("  = allowed: seconds")),
        "{shown}"
    );
}

#[test]
fn a_line_with_a_key_is_shown_masked() {
    let checked = check(
        &with("authkeys", b"auth 1\n1 sha256 TopSecret more\n"),
        &FakeHost::usual(),
    );
    let shown = checked
        .diagnostics
        .first()
        .map(ToString::to_string)
        .unwrap_or_default();
    assert!(shown.contains("2 | 1 sha256 **** ****"), "{shown}");
    assert!(shown.contains("  |   ^^^^^^"), "{shown}");
}

#[test]
fn long_lines_and_control_characters_are_shown_fit_for_a_terminal() {
    let line = format!("{} \x1b[31m", "node x ".repeat(300));
    let checked = with_line(&line);
    let shown = checked
        .diagnostics
        .first()
        .map(ToString::to_string)
        .unwrap_or_default();
    assert!(
        !shown.contains('\x1b') && shown.lines().all(|l| l.len() < 300),
        "{shown}"
    );
}

#[test]
fn errors_in_ha_cf_end_the_log_as_in_3_0_6() {
    let sources = sources(
        "bcast eth9\nfoo\nlogfacility x\nnode b1\n",
        "auth 1\n1 foo k\n",
        "b9 x\n",
    );
    let checked = check(&sources, &FakeHost::usual());
    let wanted = [
        "ERROR: glib: Get broadcast for interface eth9 failed: No such device",
        "ERROR: glib: IP interface [eth9] does not exist",
        "ERROR: Illegal bcast [UDP/IP broadcast] in config file [eth9]",
        "ERROR: Illegal directive [foo] in /etc/ha.d//ha.cf",
        "ERROR: Log facility(x) not valid",
        "ERROR: Heartbeat not started: configuration error.",
        "ERROR: Configuration error, heartbeat not started.",
    ];
    assert_eq!(said(&checked), wanted);
}

#[test]
fn errors_in_authkeys_end_the_log_as_in_3_0_6() {
    let checked = check(&with("authkeys", b"auth 2\n1 crc\n"), &FakeHost::usual());
    let wanted = [
        "ERROR: Auth Key [2] not found in keyfile [/etc/ha.d//authkeys]",
        "ERROR: Authentication configuration error.",
        "ERROR: Configuration error, heartbeat not started.",
    ];
    assert_eq!(said(&checked), wanted);
}

#[test]
fn cross_checks_are_said_in_the_order_of_1_4() {
    let text = "keepalive 1\ndeadtime 2\ninitdead 1\ndeadping 1\nlogfacility none\nuse_logd off\n";
    let checked = check(&sources(text, AUTHKEYS, ""), &FakeHost::usual());
    let lines = said(&checked);
    let wanted = [
        "info: Pacemaker support: false",
        "ERROR: No heartbeat media defined",
        "ERROR: no nodes defined",
        "ERROR: Current node [b1] not in configuration!",
        "info: By default, cluster nodes are named by `uname -n` and must be declared with a 'node' \
         directive in the ha.cf file.",
        "info: See also: http://linux-ha.org/wiki/Ha.cf#node_directive",
        "ERROR: Dead time [2000] is too small compared to keeplive [1000]",
        "ERROR: Initial dead time [1000] is smaller than deadtime [2000]",
        "ERROR: Ping dead time [1000] is too small compared to keeplive [1000]",
        "WARN: Deprecated 'legacy' auto_failback option selected.",
        "WARN: Please convert to 'auto_failback on'.",
        "WARN: See documentation for conversion details.",
        "ERROR: No log entry found in ha.cf and use_logd is set to off",
        "ERROR: Configuration error, heartbeat not started.",
    ];
    assert_eq!(lines.get(1..), Some(&wanted.map(str::to_owned)[..]));
}

#[test]
fn a_bad_node_in_haresources_is_said_once() {
    let checked = check(
        &with("haresources", b"b3 apache2\nb4 mysql\n"),
        &FakeHost::usual(),
    );
    let lines = said(&checked);
    let bad: Vec<&String> = lines
        .iter()
        .filter(|line| line.contains("Bad nodename"))
        .collect();
    assert_eq!(bad, ["ERROR: Bad nodename in /etc/ha.d//haresources [b3]"]);
}

#[test]
fn missing_files_are_said_as_in_3_0_6() {
    let mut sources = sources(HA_CF, AUTHKEYS, HARESOURCES);
    sources.ha_cf = missing("ha.cf");
    let checked = check(&sources, &FakeHost::usual());
    let wanted = [
        (Level::Error, "Cannot open config file [/etc/ha.d//ha.cf]"),
        (
            Level::Info,
            "An annotated sample /etc/ha.d//ha.cf file is provided in the documentation.",
        ),
        (
            Level::Info,
            "Please copy it to /etc/ha.d//ha.cf, read it, customize it, and try again.",
        ),
        (Level::Error, "Heartbeat not started: configuration error."),
        (Level::Error, "Configuration error, heartbeat not started."),
    ];
    assert_eq!(
        checked.reference_lines(),
        wanted.map(|(l, t)| (l, t.to_owned()))
    );
}

#[test]
fn an_accepted_configuration_says_what_3_0_6_says() {
    let checked = check(&with("ha.cf", HA_CF.as_bytes()), &FakeHost::usual());
    let wanted = [
        "info: Pacemaker support: false",
        "WARN: Logging daemon is disabled --enabling logging daemon is recommended",
    ];
    assert_eq!(said(&checked), wanted);
    assert_eq!(checked.diagnostics, []);
}

#[test]
fn the_effective_configuration_is_laid_out_as_in_3_0_6() {
    let text = crate::config::effective(&with_line("ping 10.1.1.7").config.unwrap());
    for line in [
        "#\tLinux-HA heartbeat configuration (on b1)",
        "node b1\t#\t current status: init",
        "# UDP/IP broadcast heartbeat channel -------------",
        "bcast eth0",
        "# ping membership heartbeat channel -------------",
        "ping 10.1.1.7",
    ] {
        assert!(text.lines().any(|l| l == line), "{line}\n{text}");
    }
    assert!(
        text.lines().any(|l| l.starts_with("keepalive\t1\t#\t")),
        "{text}"
    );
    assert!(!text.contains("TopSecret"));
}
