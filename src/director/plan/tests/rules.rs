//! Rules one by one, where the recordings do not show them.

use super::*;
use crate::director::table::listing::listing;

const WEB: &str = "virtual=10.0.0.100:80\n\treal=10.0.0.1:80 masq 5\n\treal=10.0.0.2:80 masq\n\tfallback=127.0.0.1:80 masq\n";

fn rows(director: &Director) -> Vec<String> {
    let told = listing(&director.kernel.table);
    let rows = told.lines().filter(|line| line.contains("->")).skip(1);
    rows.map(|line| line.split_whitespace().skip(1).take(3).collect::<Vec<_>>().join(" ")).collect()
}

#[test]
fn the_fallback_waits_for_the_first_round() {
    let mut d = Director::prepared(WEB, Fake::default(), &[(0, "10.0.0.1")]);
    d.state.adopt(&d.config, &d.kernel.table);
    d.carry_out(begin(&d.config, &d.state, &d.kernel.table, None));
    d.check(0, 0);
    assert_eq!(rows(&d), Vec::<String>::new(), "the other may be up");
    d.state.settle();
    d.carry_out(change(&d.config, &d.state, 0, &d.kernel.table));
    assert_eq!(rows(&d), ["127.0.0.1:80 Masq 1"], "the other takes too long");
    d.check(0, 1);
    assert_eq!(rows(&d), ["10.0.0.2:80 Masq 1"]);
}

#[test]
fn a_fallback_does_not_push_out_a_server_that_is_up() {
    let text = WEB.replace("fallback=127.0.0.1:80", "fallback=10.0.0.2:80");
    let mut d = Director::started(&text, Fake::default(), &[]);
    assert_eq!(rows(&d), ["10.0.0.1:80 Masq 5", "10.0.0.2:80 Masq 1"]);
    d.fail(0, "10.0.0.1");
    assert_eq!(rows(&d), ["10.0.0.2:80 Masq 1"]);
    d.fail(0, "10.0.0.2");
    assert_eq!(rows(&d), ["10.0.0.2:80 Masq 1"], "as fallback");
    d.recover(0, "10.0.0.1");
    assert_eq!(rows(&d), ["10.0.0.1:80 Masq 5"]);
}

#[test]
fn a_new_fallback_comes_before_the_old_one_goes() {
    let mut d = Director::started(WEB, Fake::default(), &[(0, "10.0.0.1"), (0, "10.0.0.2")]);
    d.told();
    assert!(d.reload(&WEB.replace("fallback=127.0.0.1:80", "fallback=127.0.0.2:80")));
    let told = d.told();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].starts_with("-a") && told[0].contains("127.0.0.2"), "{told:?}");
    assert!(told[1].starts_with("-d") && told[1].contains("127.0.0.1"), "{told:?}");
}

#[test]
fn the_last_old_server_goes_when_a_new_one_serves() {
    let text = "virtual=10.0.0.100:80\n\treal=10.0.0.1:80 masq\n";
    let mut d = Director::started(text, Fake::default(), &[]);
    d.told();
    assert!(d.reload(&text.replace("10.0.0.1:80", "10.0.0.3:80")));
    let service = "-t 10.0.0.100:80";
    let add = format!("-a {service} -x 0 -y 0 -r 10.0.0.3:80 -m -w 1");
    assert_eq!(d.told(), [add, format!("-d {service} -r 10.0.0.1:80")]);
    assert!(d.state.virtuals[0].swept);
}

#[test]
fn a_server_comes_before_another_goes() {
    let mut d = Director::started(WEB, Fake::default(), &[(0, "10.0.0.2")]);
    d.told();
    d.state.judge(&d.config, 0, 0, Verdict::Down);
    d.state.judge(&d.config, 0, 1, Verdict::Up);
    d.carry_out(change(&d.config, &d.state, 0, &d.kernel.table));
    let told = d.told();
    let begins: Vec<&str> = told.iter().map(|op| op.split(' ').next().unwrap()).collect();
    assert_eq!(begins, ["-a", "-d"], "{told:?}");
}

#[test]
fn a_hand_that_adds_is_noticed_at_a_correction_only() {
    let mut d = Director::started(WEB, Fake::default(), &[]);
    let stranger = Op::AddDest(d.config.virtuals[0].id, "10.0.0.9:80".parse().unwrap(), Default::default());
    d.kernel.apply(&stranger).unwrap();
    d.fail(0, "10.0.0.1");
    assert!(rows(&d).iter().any(|row| row.starts_with("10.0.0.9")));
    d.carry_out(correct(&d.config, &d.state, &d.kernel.table));
    assert_eq!(rows(&d), ["10.0.0.2:80 Masq 1"]);
    assert_eq!(
        d.log.last().map(String::as_str),
        Some("Purged real server (start): 10.0.0.9:80 (10.0.0.100:80)")
    );
}

#[test]
fn a_server_that_was_deleted_by_hand_comes_back_at_a_correction() {
    let mut d = Director::started(WEB, Fake::default(), &[]);
    let id = d.config.virtuals[0].id;
    d.kernel.apply(&Op::DelDest(id, "10.0.0.1:80".parse().unwrap())).unwrap();
    d.rounds();
    assert_eq!(rows(&d), ["10.0.0.2:80 Masq 1"], "as with the reference");
    d.carry_out(correct(&d.config, &d.state, &d.kernel.table));
    assert_eq!(rows(&d), ["10.0.0.1:80 Masq 5", "10.0.0.2:80 Masq 1"]);
}

#[test]
fn servers_at_one_place_of_the_table_hold_it_together() {
    // gate maps no ports: both are 10.0.0.1:80 to the kernel
    let text =
        "virtual=10.0.0.100:80\n\treal=10.0.0.1:8080 gate 2\n\treal=10.0.0.1:8081 gate 3\n\tservice=none\n";
    let mut d = Director::started(text, Fake::default(), &[]);
    assert_eq!(rows(&d), ["10.0.0.1:80 Route 3"]);
    d.state.judge(&d.config, 0, 1, Verdict::Down);
    d.carry_out(change(&d.config, &d.state, 0, &d.kernel.table));
    assert_eq!(rows(&d), ["10.0.0.1:80 Route 2"]);
    d.state.judge(&d.config, 0, 0, Verdict::Down);
    d.carry_out(change(&d.config, &d.state, 0, &d.kernel.table));
    assert_eq!(rows(&d), Vec::<String>::new());
}

#[test]
fn of_two_lines_of_a_server_the_last_counts() {
    let text = "virtual=10.0.0.100:80\n\treal=10.0.0.1:80 masq\n\treal=10.0.0.1:80 masq 3\n";
    let mut d = Director::started(text, Fake::default(), &[]);
    assert_eq!(rows(&d), ["10.0.0.1:80 Masq 3"]);
    d.log.clear();
    d.stop();
    let wanted = [
        "Purged real server (stop): 10.0.0.1:80 (10.0.0.100:80)",
        "Purged virtual server (stop): 10.0.0.100:80",
    ];
    assert_eq!(d.log, wanted);
}

/// Two checks of one server, of which one fails.
#[test]
fn a_reload_takes_out_nobody_for_another_line_of_his_address() {
    let line = |request: &str| format!("\treal=10.0.0.1:80 masq 1 \"{request}\", \"\"\n");
    for (first, second) in [(Verdict::Up, Verdict::Down), (Verdict::Down, Verdict::Up)] {
        let text = format!("virtual=10.0.0.100:80\n{}{}", line("/a"), line("/b"));
        let mut d = Director::prepared(&text, Fake::default(), &[]);
        d.state.judge(&d.config, 0, 0, first);
        d.state.judge(&d.config, 0, 1, second);
        d.carry_out(begin(&d.config, &d.state, &d.kernel.table, None));
        assert_eq!(rows(&d), ["10.0.0.1:80 Masq 1"]);
        d.state = State::carried(&d.config, &d.config, &d.state);
        d.state.adopt(&d.config, &d.kernel.table);
        d.carry_out(begin(&d.config, &d.state, &d.kernel.table, Some(&d.config)));
        assert_eq!(rows(&d), ["10.0.0.1:80 Masq 1"], "{first:?}");
    }
}

/// As the reference was seen to do it in a guest.
#[test]
fn without_checks_the_table_says_who_serves() {
    let text = format!("{WEB}\tchecktype=off\n");
    let down = [(0, "10.0.0.1"), (0, "10.0.0.2")];
    let mut d = Director::started(&text, Fake::default(), &down);
    assert_eq!(rows(&d), ["127.0.0.1:80 Masq 1"]);
    let id = d.config.virtuals[0].id;
    let by_hand = Op::AddDest(id, "10.0.0.1:80".parse().unwrap(), d.config.virtuals[0].reals[0].dest());
    d.kernel.apply(&by_hand).unwrap();
    d.rounds();
    d.carry_out(correct(&d.config, &d.state, &d.kernel.table));
    assert_eq!(rows(&d), ["10.0.0.1:80 Masq 5", "127.0.0.1:80 Masq 1"], "nobody takes it away");
    assert!(d.reload(&text));
    assert_eq!(rows(&d), ["10.0.0.1:80 Masq 5"], "it counts from now on");
    d.kernel.apply(&Op::DelDest(id, "10.0.0.1:80".parse().unwrap())).unwrap();
    assert!(d.reload(&text));
    assert_eq!(rows(&d), ["127.0.0.1:80 Masq 1"]);
    d.maintained.insert((0, "10.0.0.2".parse().unwrap()));
    d.kernel
        .apply(&Op::AddDest(id, "10.0.0.2:80".parse().unwrap(), d.config.virtuals[0].reals[1].dest()))
        .unwrap();
    assert!(d.reload(&text));
    assert_eq!(rows(&d), ["127.0.0.1:80 Masq 1"], "maintenance comes first");
}

#[test]
fn failures_count_from_up_to_down_only() {
    let text = format!("{WEB}\tfailurecount=3\n");
    let mut d = Director::prepared(&text, Fake::default(), &[]);
    let judge = |d: &mut Director, verdict| d.state.judge(&d.config, 0, 0, verdict);
    assert_eq!(judge(&mut d, Verdict::Down), [News::Down], "at the start it is down at once");
    assert_eq!(judge(&mut d, Verdict::Down), []);
    assert_eq!(judge(&mut d, Verdict::Up), [News::Reset, News::Up]);
    assert_eq!(judge(&mut d, Verdict::Down), [News::Soft { failures: 1, limit: 3 }]);
    assert_eq!(judge(&mut d, Verdict::Down), [News::Soft { failures: 2, limit: 3 }]);
    assert_eq!(judge(&mut d, Verdict::Up), [News::Reset]);
    assert_eq!(judge(&mut d, Verdict::Maintenance), [News::Down], "maintenance counts at once");
}

#[test]
fn at_the_end_all_goes_but_what_is_to_stay() {
    let text = format!("{WEB}virtual=10.0.0.101:80\n\treal=10.0.0.1:80 masq\n\tcleanstop=no\n");
    let mut d = Director::started(&text, Fake::default(), &[]);
    d.log.clear();
    d.told();
    d.stop();
    assert_eq!(d.told(), ["-D -t 10.0.0.100:80"]);
    let wanted = [
        "Purged real server (stop): 10.0.0.1:80 (10.0.0.100:80)",
        "Purged real server (stop): 10.0.0.2:80 (10.0.0.100:80)",
        "Purged virtual server (stop): 10.0.0.100:80",
    ];
    assert_eq!(d.log, wanted);
    assert_eq!(rows(&d), ["10.0.0.1:80 Masq 1"]);
}

/// Of a server that is up the log tells what it does with any weight; only who is down is quiesced.
#[test]
fn a_server_of_weight_0_that_is_up_is_not_told_as_quiesced() {
    let text =
        "readdquiescent=yes\nvirtual=10.0.0.100:80\n\treal=10.0.0.1:80 masq 0\n\treal=10.0.0.2:80 masq\n";
    let mut d = Director::started(text, Fake::default(), &[(0, "10.0.0.2")]);
    let added = "Added real server: 10.0.0.1:80 (10.0.0.100:80) (Weight set to 0)";
    assert_eq!(told_of(&mut d, "10.0.0.1"), [added]);
    d.fail(0, "10.0.0.1");
    assert_eq!(told_of(&mut d, "10.0.0.1"), ["Deleted real server: 10.0.0.1:80 (10.0.0.100:80)"]);
    d.recover(0, "10.0.0.1");
    assert_eq!(told_of(&mut d, "10.0.0.1"), [added]);
    d.recover(0, "10.0.0.2");
    told_of(&mut d, "10.0.0.2");
    assert!(d.reload(&text.replace("10.0.0.2:80 masq", "10.0.0.2:80 masq 0")));
    let restored = "Restored real server: 10.0.0.2:80 (10.0.0.100:80) (Weight set to 0)";
    assert_eq!(told_of(&mut d, "10.0.0.2"), [restored]);
}

/// The lines about a server since the last time.
fn told_of(director: &mut Director, ip: &str) -> Vec<String> {
    let log = std::mem::take(&mut director.log);
    log.into_iter().filter(|line| line.contains(&format!("server: {ip}:"))).collect()
}
