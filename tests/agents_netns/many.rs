//! Many addresses by the daemon's face: one conversation, the answers of each script, a guard over what is up.

use std::collections::BTreeSet;
use std::process::Command;
use std::time::{Duration, Instant};

use heartbeat::agents::announce::Crew;
use heartbeat::agents::guard::{Guard, News};
use heartbeat::agents::many::{Acquired, Done, acquire, adopt, ask, release};
use heartbeat::agents::plan::Owner;
use heartbeat::agents::{Agent, ledger, turn};
use heartbeat::level::Level;

use super::lab::{Capture, addresses, has, lab, ours, sh, until};

const ARP: u16 = 0x0806;
const LONG: Duration = Duration::from_secs(10);
const ME: Owner = Owner { pid: 1, born: 1 };

fn crew() -> Crew {
    Crew::start(false).unwrap()
}

fn up(resources: &[(Agent, &str)]) -> Vec<Acquired> {
    acquire(resources, &crew())
}

fn down(resources: &[(Agent, &str)]) -> Vec<Done> {
    release(resources, &crew())
}

fn said(done: &Done) -> Vec<&str> {
    done.lines.iter().map(|(_, text)| text.as_str()).collect()
}

/// The lines of `ip` about an address, from its family on.
fn line(ip: &str) -> String {
    let all = addresses();
    let one = all.iter().find(|l| l.contains(&format!(" {ip}/"))).cloned().unwrap_or_default();
    one.split_once("inet").map(|(_, rest)| format!("inet{rest}")).unwrap_or_default()
}

#[test]
fn each_answers_as_its_script_would() {
    lab(|| {
        let all = [
            (Agent::IPaddr, "10.0.0.50"),
            (Agent::IPaddr, "10.0.0.51/24/eth0"),
            (Agent::IPaddr2, "10.0.0.52/24/eth0:web/10.0.0.127"),
            (Agent::IPv6addr, "fd00::50"),
            (Agent::IPaddr2, "192.168.5.9"),
        ];
        let answers = up(&all);
        assert!(answers.iter().all(|a| a.status.code == 7 && a.start.as_ref().is_some_and(|s| s.code == 0)));
        assert_eq!(line("10.0.0.50"), "inet 10.0.0.50/24 brd 10.0.0.255 scope global secondary eth0:0");
        assert_eq!(line("10.0.0.51"), "inet 10.0.0.51/24 brd 10.0.0.255 scope global secondary eth0:1");
        assert_eq!(line("10.0.0.52"), "inet 10.0.0.52/24 brd 10.0.0.127 scope global secondary eth0:web");
        assert_eq!(line("192.168.5.9"), "inet 192.168.5.9/25 brd 192.168.5.127 scope global secondary eth1");
        // No word of "tentative": usable at once.
        assert_eq!(line("fd00::50"), "inet6 fd00::50/64 scope global nodad");
        let web = answers[2].start.as_ref().unwrap();
        assert_eq!(web.output, b"INFO:  Success\n");
        assert_eq!(
            said(web),
            [
                "Adding inet address 10.0.0.52/24 with broadcast address 10.0.0.127 to device eth0 (with label eth0:web)",
                "Bringing device eth0 up",
                " Success"
            ]
        );
        let again = up(&all);
        assert!(again.iter().all(|a| a.status.code == 0 && a.start.is_none()), "they are up");
        assert!(ask(&all).iter().all(|a| a.output == b"INFO:  Running OK\n"));
        assert_eq!(ledger::read().unwrap().entries.len(), all.len());
        assert!(down(&all).iter().all(|a| a.code == 0));
        assert!(all.iter().all(|(_, word)| !has(word.split('/').next().unwrap())));
        assert!(ledger::read().unwrap().entries.is_empty());
    });
}

#[test]
fn a_failure_belongs_to_one() {
    lab(|| {
        let all = [
            (Agent::IPaddr2, "10.0.0.50/24/eth0"),
            (Agent::IPaddr2, "10.0.0.51/24/nosuch0"),
            // The kernel takes no such label; only it knows.
            (Agent::IPaddr2, "10.0.0.52/24/eth0:a/bad"),
            (Agent::IPv6addr, "fd00::/64/lo/more"),
            (Agent::IPaddr2, "10.0.0.53/24/eth0"),
        ];
        let answers = up(&all);
        let codes: Vec<_> = answers.iter().map(|a| a.start.as_ref().map(|s| s.code)).collect();
        assert_eq!(codes[..3], [Some(0), Some(6), Some(6)]);
        assert_eq!(codes[4], Some(0));
        let why = said(answers[1].start.as_ref().unwrap()).join("\n");
        assert!(why.contains("Invalid interface name [nosuch0]"), "{why}");
        assert!(has("10.0.0.50") && has("10.0.0.53") && !has("10.0.0.51") && !has("10.0.0.52"));
    });
}

#[test]
fn what_the_kernel_refuses_is_not_written_down() {
    lab(|| {
        sh("echo 1 >/proc/sys/net/ipv6/conf/eth1/disable_ipv6");
        let all = [(Agent::IPv6addr, "fd00::51/64/eth1"), (Agent::IPaddr2, "10.0.0.50/24/eth0")];
        let answers = up(&all);
        let refused = answers[0].start.as_ref().unwrap();
        assert_eq!(refused.code, 1);
        assert!(said(refused)[1].starts_with("Failed to add fd00::51: cannot add"), "{:?}", said(refused));
        let listed: Vec<_> =
            ledger::read().unwrap().entries.iter().map(|e| e.wanted.ip.to_string()).collect();
        assert_eq!(listed, ["10.0.0.50"]);
    });
}

/// A primary goes whose secondaries somebody else needs.
fn secondaries_survive(promote: u8) {
    lab(move || {
        sh(&format!("echo {promote} >/proc/sys/net/ipv4/conf/eth1/promote_secondaries"));
        let all = [(Agent::IPaddr2, "172.16.0.1/24/eth1"), (Agent::IPaddr2, "172.16.0.2/24/eth1")];
        assert!(up(&all).iter().all(|a| a.start.as_ref().is_some_and(|s| s.code == 0)));
        sh("ip addr add 172.16.0.9/24 brd + dev eth1; ip addr add 172.16.0.8/24 brd + dev eth1 label eth1:x");
        assert!(line("172.16.0.9").contains("secondary"));
        assert!(down(&all).iter().all(|a| a.code == 0));
        assert!(!has("172.16.0.1") && !has("172.16.0.2"));
        assert_eq!(line("172.16.0.9"), "inet 172.16.0.9/24 brd 172.16.0.255 scope global eth1");
        assert_eq!(line("172.16.0.8"), "inet 172.16.0.8/24 brd 172.16.0.255 scope global secondary eth1:x");
    });
}

#[test]
fn secondaries_survive_their_primary() {
    secondaries_survive(0);
}

#[test]
fn promoted_secondaries_are_left_alone() {
    secondaries_survive(1);
}

#[test]
fn the_first_packet_of_each_comes_before_the_second_of_any() {
    const MANY: usize = 120;
    lab(|| {
        let words: Vec<String> = (1..=MANY).map(|n| format!("10.0.0.{}/24/eth0", n + 100)).collect();
        let all: Vec<(Agent, &str)> = words.iter().map(|word| (Agent::IPaddr2, word.as_str())).collect();
        let wire = Capture::open(ARP);
        let crew = crew();
        assert!(acquire(&all, &crew).iter().all(|a| a.start.as_ref().is_some_and(|s| s.code == 0)));
        let next = || -> (u8, u8) {
            loop {
                let frame = wire.next(LONG).expect("frames");
                if frame.get(28..31) == Some(&[10, 0, 0]) && frame[28..32] == frame[38..42] {
                    return (frame[21], frame[31]);
                }
            }
        };
        let first: BTreeSet<(u8, u8)> = (0..MANY).map(|_| next()).collect();
        let wanted = |form: u8| (1..=MANY).map(|n| (form, u8::try_from(n + 100).unwrap())).collect();
        assert_eq!(first, wanted(1), "a request for each");
        let second: BTreeSet<(u8, u8)> = (0..MANY).map(|_| next()).collect();
        assert_eq!(second, wanted(2), "then a reply for each");
        let third: BTreeSet<(u8, u8)> = (0..2 * MANY).map(|_| next()).collect();
        assert_eq!(third.len(), 2 * MANY, "and both once more");
        // None follows the removal.
        assert!(release(&all, &crew).iter().all(|a| a.code == 0));
        let begin = Instant::now();
        while wire.next(Duration::from_millis(1)).is_some() {
            assert!(begin.elapsed() < LONG);
        }
        assert_eq!(wire.next(Duration::from_millis(700)), None, "silence");
    });
}

#[test]
fn a_thousand_at_once() {
    const MANY: usize = 1000;
    lab(|| {
        sh("ip addr add 10.1.0.1/16 dev eth1");
        let words: Vec<String> =
            (0..MANY).map(|n| format!("10.1.{}.{}/16/eth1", 1 + n / 200, 1 + n % 200)).collect();
        let all: Vec<(Agent, &str)> = words.iter().map(|word| (Agent::IPaddr2, word.as_str())).collect();
        let crew = crew();
        let begin = Instant::now();
        let answers = acquire(&all, &crew);
        println!("{MANY} addresses: up in {:?}", begin.elapsed());
        assert!(answers.iter().all(|a| a.start.as_ref().is_some_and(|s| s.code == 0)));
        assert_eq!(addresses().iter().filter(|l| l.contains("inet 10.1.")).count(), MANY + 1);
        let begin = Instant::now();
        assert!(release(&all, &crew).iter().all(|a| a.code == 0));
        println!("{MANY} addresses: down in {:?}", begin.elapsed());
        assert_eq!(addresses().iter().filter(|l| l.contains("inet 10.1.")).count(), 1);
    });
}

/// What the guard says.
fn look(guard: &mut Guard) -> Vec<String> {
    let mut lines = Vec::new();
    guard.look(&mut |level, text| lines.push(format!("{level:?} {text}")));
    lines
}

#[test]
fn what_somebody_takes_away_is_put_back() {
    lab(|| {
        let news = News::open().unwrap();
        ledger::own(ME).unwrap();
        let all = [(Agent::IPaddr2, "10.0.0.50/24/eth0:web"), (Agent::IPv6addr, "fd00::50/64/eth0")];
        let crew = crew();
        assert!(acquire(&all, &crew).iter().all(|a| a.start.is_some()));
        assert!(!news.take(), "what comes is no news");
        let mut guard = Guard::new(ME, crew.clone());
        assert_eq!(look(&mut guard), Vec::<String>::new());
        sh("ip addr del 10.0.0.50/24 dev eth0");
        until("the kernel tells", LONG, || news.take());
        assert_eq!(
            look(&mut guard),
            ["Error 10.0.0.50/24 on eth0 is ours and was removed by somebody else: put back"]
        );
        assert!(line("10.0.0.50").ends_with("eth0:web"));
        // Flushed with everything else, and the interface gone for a while.
        sh("ip link set eth0 down; ip addr flush dev eth0");
        assert_eq!(look(&mut guard).len(), 2);
        assert!(has("10.0.0.50") && has("fd00::50"));
        sh("ip link del eth0");
        assert_eq!(look(&mut guard).len(), 2);
        assert_eq!(look(&mut guard), Vec::<String>::new(), "told once");
        let _ = news.take();
        sh("ip link add eth0 type veth peer name p0; ip link set eth0 up; ip link set p0 up");
        until("the kernel tells", LONG, || news.take());
        assert_eq!(look(&mut guard).len(), 2);
        assert!(has("10.0.0.50") && has("fd00::50"));
        // What was given up is nobody's business, and what is another's is not ours.
        assert!(release(&all, &crew).iter().all(|a| a.code == 0));
        assert_eq!(look(&mut guard), Vec::<String>::new());
        acquire(&all, &crew);
        ledger::own(Owner { pid: 2, born: 2 }).unwrap();
        sh("ip addr del 10.0.0.50/24 dev eth0");
        assert_eq!(look(&mut guard), Vec::<String>::new());
        assert!(!has("10.0.0.50"));
    });
}

#[test]
fn who_insists_is_answered_more_and_more_slowly() {
    lab(|| {
        ledger::own(ME).unwrap();
        let crew = crew();
        acquire(&[(Agent::IPaddr2, "10.0.0.50/24/eth0")], &crew);
        let mut guard = Guard::new(ME, crew);
        let mut again = None;
        let mut times = 0;
        while again.is_none_or(|wait| wait < Duration::from_millis(400)) {
            sh("ip addr del 10.0.0.50/24 dev eth0 2>/dev/null || true");
            times += 1;
            assert!(times < 20, "for ever at once");
            again = guard.look(&mut |level, _| assert_eq!(level, Level::Error));
        }
        assert!(!has("10.0.0.50"), "not now");
        until("it is put back all the same", LONG, || {
            guard.look(&mut |_, _| ());
            has("10.0.0.50")
        });
    });
}

#[test]
fn what_a_dead_owner_left_is_taken_down_by_who_means_him() {
    lab(|| {
        ledger::own(ME).unwrap();
        // Ours become secondaries of each other's network: the first takes the others along.
        let all = [(Agent::IPaddr2, "172.16.0.1/24/eth1"), (Agent::IPaddr2, "172.16.0.2/24/eth1")];
        acquire(&all, &crew());
        sh("ip addr add 172.16.0.9/24 brd + dev eth1");
        assert!(ledger::clear(Some(Owner { pid: 9, born: 9 })).removed.is_empty(), "another's");
        assert!(has("172.16.0.1"));
        let cleared = ledger::clear(Some(ME));
        assert_eq!((cleared.removed.len(), cleared.errors), (2, Vec::new()));
        assert!(!has("172.16.0.1") && !has("172.16.0.2") && has("172.16.0.9"));
        assert!(ledger::read().unwrap().entries.is_empty());
        assert_eq!(ledger::left_behind().entries.len(), 2, "their services may still run");
        assert!(ledger::clear(None).removed.is_empty());
        ledger::forget_left_behind();
        assert!(ledger::left_behind().entries.is_empty());
    });
}

/// What was given to the peer must not come back, whatever cannot be written.
#[test]
fn who_cannot_strike_out_guards_nothing() {
    lab(|| {
        ledger::own(ME).unwrap();
        let all = [(Agent::IPaddr2, "172.16.0.1/24/eth1"), (Agent::IPaddr2, "10.0.0.50/24/eth0")];
        acquire(&all, &crew());
        // No place for a new list.
        std::fs::create_dir("/run/heartbeat.addresses.new").unwrap();
        let stop = &down(&all[..1])[0];
        assert_eq!(stop.code, 0);
        assert!(
            said(stop).iter().any(|line| line.contains("nothing is guarded any more")),
            "{:?}",
            said(stop)
        );
        assert!(ledger::read().unwrap().entries.is_empty());
        let mut guard = Guard::new(ME, crew());
        guard.look(&mut |_, text| panic!("{text}"));
        assert!(!has("172.16.0.1") && has("10.0.0.50"));
        std::fs::remove_dir("/run/heartbeat.addresses.new").unwrap();
    });
}

fn listed() -> Vec<String> {
    let entries = ledger::read().unwrap().entries;
    entries.iter().map(|e| format!("{}/{} {}", e.wanted.ip, e.wanted.bits, e.nic)).collect()
}

/// The kernel has it in a multicast group twice, which it refuses: it went with its primary and cannot come back.
#[test]
fn what_is_gone_is_struck_out_whatever_else_cannot_be_put_back() {
    lab(|| {
        sh("echo 0 >/proc/sys/net/ipv4/conf/eth1/promote_secondaries");
        let all = [(Agent::IPaddr2, "239.0.0.5/24/eth1")];
        assert!(up(&all).iter().all(|a| a.start.as_ref().is_some_and(|s| s.code == 0)));
        sh("ip addr add 239.0.0.6/24 dev eth1 autojoin");
        let stop = &down(&all)[0];
        assert_eq!(stop.code, 1, "the other one is lost");
        assert!(said(stop).iter().any(|line| line.starts_with("Unable to remove IP")), "{:?}", said(stop));
        assert!(!has("239.0.0.5"));
        assert_eq!(listed(), Vec::<String>::new());
    });
}

#[test]
fn of_two_places_the_one_in_the_word_is_written_down() {
    lab(|| {
        sh("ip addr add 10.0.0.50/32 dev eth0; ip addr add 10.0.0.50/24 dev eth1
            ip addr add 10.0.0.51/32 dev eth0; ip addr add 10.0.0.51/24 dev eth1
            ip addr add fd00::50/128 dev eth0; ip addr add fd00::50/64 dev eth1");
        let all = [
            (Agent::IPaddr2, "10.0.0.50/24/eth1"),
            (Agent::IPaddr, "10.0.0.51/24/eth1"),
            (Agent::IPv6addr, "fd00::50/64/eth1"),
        ];
        assert!(up(&all).iter().all(|a| a.start.is_none()), "they are up");
        assert_eq!(listed(), ["10.0.0.50/24 eth1", "10.0.0.51/24 eth1", "fd00::50/64 eth1"]);
    });
}

#[test]
fn what_is_up_already_is_adopted() {
    lab(|| {
        sh("ip addr add 10.0.0.50/24 dev eth0 label eth0:web; ip addr add fd00::50/64 dev eth0");
        acquire(&[(Agent::IPaddr2, "10.0.0.51/24/eth0")], &crew());
        let all = [
            (Agent::IPaddr2, "10.0.0.51/24/eth0"),
            (Agent::IPaddr2, "10.0.0.50/24/eth0"),
            (Agent::IPaddr, "10.0.0.52/24/eth0"),
            (Agent::IPv6addr, "fd00::50"),
        ];
        adopt(&all).unwrap();
        assert_eq!(listed(), ["10.0.0.51/24 eth0", "10.0.0.50/24 eth0", "fd00::50/64 eth0"]);
        ledger::own(ME).unwrap();
        sh("ip addr del 10.0.0.50/24 dev eth0");
        assert_eq!(look(&mut Guard::new(ME, crew())).len(), 1);
        assert!(line("10.0.0.50").ends_with("eth0:web"));
    });
}

#[test]
fn in_a_full_run_the_rest_stays_on_the_list() {
    lab(|| {
        ledger::own(ME).unwrap();
        let all = [(Agent::IPaddr2, "172.16.0.1/24/eth1"), (Agent::IPaddr2, "10.0.0.50/24/eth0")];
        acquire(&all, &crew());
        sh("mount -o remount,size=64k /run; ! head -c 1000000 /dev/zero 2>/dev/null >/run/fill");
        assert!(std::fs::write("/run/more", "more").is_err(), "it is full");
        assert_eq!(down(&all[..1])[0].code, 0);
        assert_eq!(listed(), ["10.0.0.50/24 eth0"]);
        sh("ip addr del 10.0.0.50/24 dev eth0");
        assert_eq!(look(&mut Guard::new(ME, crew())).len(), 1);
        assert!(has("10.0.0.50") && !has("172.16.0.1"));
    });
}

/// Where it could not be written for a while it is lost, and begins anew without a word of whose it is.
#[test]
fn a_list_that_begins_anew_is_that_of_who_lives() {
    lab(|| {
        acquire(&[(Agent::IPaddr2, "10.0.0.50/24/eth0")], &crew());
        sh("ip addr del 10.0.0.50/24 dev eth0");
        assert_eq!(look(&mut Guard::new(ME, crew())).len(), 1);
        assert!(has("10.0.0.50"));
        assert_eq!(ledger::clear(Some(ME)).removed.len(), 1);
        assert!(!has("10.0.0.50"));
    });
}

/// One stops with its machine, or its daemon: the time counts for nobody who did not run.
#[test]
fn a_stopped_process_loses_no_patience() {
    lab(|| {
        up(&[(Agent::IPaddr2, "10.0.0.50/24/eth0")]);
        let turn = turn::take();
        let mut stop = Command::new(ours().join("IPaddr2"));
        let mut stop = stop.args(["10.0.0.50/24/eth0", "stop"]).spawn().unwrap();
        let proc = format!("/proc/{}", stop.id());
        let status = |name: &str| -> String {
            let text = std::fs::read_to_string(format!("{proc}/status")).unwrap_or_default();
            let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
            line.trim().to_owned()
        };
        let waits = || status("voluntary_ctxt_switches:").parse::<u32>().unwrap_or(u32::MAX);
        until("it waits", LONG, || waits() > 50);
        sh(&format!("kill -STOP {}", stop.id()));
        until("it stands still", LONG, || status("State:").starts_with('T'));
        // Longer than anybody waits.
        std::thread::sleep(Duration::from_secs(3));
        let so_far = waits();
        sh(&format!("kill -CONT {}", stop.id()));
        until("it waits again", LONG, || waits() > so_far + 50);
        assert!(stop.try_wait().unwrap().is_none() && has("10.0.0.50"));
        drop(turn);
        assert!(stop.wait().unwrap().success());
        assert!(!has("10.0.0.50"));
    });
}

/// By somebody who lost patience with a guard that stood still, say.
#[test]
fn what_is_released_while_it_is_put_back_does_not_stay() {
    lab(|| {
        ledger::own(ME).unwrap();
        let all = [(Agent::IPaddr2, "10.0.0.50/24/eth0"), (Agent::IPaddr2, "10.0.0.51/24/eth0")];
        acquire(&all, &crew());
        sh("ip addr del 10.0.0.50/24 dev eth0; ip addr del 10.0.0.51/24 dev eth0");
        let list = std::fs::read_to_string("/run/heartbeat.addresses").unwrap();
        let without: String =
            list.lines().filter(|l| !l.contains(".50/")).map(|l| format!("{l}\n")).collect();
        let mut guard = Guard::new(ME, crew());
        guard.look(&mut |_, _| std::fs::write("/run/heartbeat.addresses", &without).unwrap());
        assert!(!has("10.0.0.50") && has("10.0.0.51"));
    });
}
