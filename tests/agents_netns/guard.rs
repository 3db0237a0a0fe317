//! What is up is written down and guarded: put back where somebody takes it away, taken down behind a dead owner.

use std::process::Command;
use std::time::Duration;

use heartbeat::agents::guard::{self, Guard, News};
use heartbeat::agents::many::{acquire, adopt, ask, release};
use heartbeat::agents::plan::Owner;
use heartbeat::agents::{Agent, ledger, turn};
use heartbeat::level::Level;

use super::lab::{Capture, addresses, has, lab, ours, run, sh, state, until};
use super::many::{crew, down, line, said, up};

const ARP: u16 = 0x0806;
const IPV6: u16 = 0x86dd;
const LONG: Duration = Duration::from_secs(10);
const ME: Owner = Owner { pid: 1, born: 1 };

/// What the guard says.
fn look(guard: &mut Guard) -> Vec<String> {
    let mut lines = Vec::new();
    guard.look(&mut |level, text| lines.push(format!("{level:?} {text}")));
    lines
}

fn look_again(guard: &mut Guard) -> Duration {
    guard.look(&mut |_, _| ()).expect("something is missing")
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

/// Two groups have it, on two interfaces.
#[test]
fn what_is_stopped_on_one_interface_stays_guarded_on_the_other() {
    lab(|| {
        ledger::own(ME).unwrap();
        let both = [(Agent::IPaddr2, "10.0.0.50/24/eth0"), (Agent::IPaddr2, "10.0.0.50/24/eth1:b")];
        assert!(up(&both).iter().all(|a| a.start.as_ref().is_some_and(|s| s.code == 0)));
        // One of them is of an older version, and adopted.
        assert_eq!(listed(), ["10.0.0.50/24 eth0", "10.0.0.50/24 eth1"]);
        std::fs::write("/run/heartbeat.addresses", "owner 1 1\n10.0.0.50/24 eth0\n").unwrap();
        adopt(&both).unwrap();
        assert_eq!(listed(), ["10.0.0.50/24 eth0", "10.0.0.50/24 eth1"]);

        assert_eq!(down(&both[1..])[0].code, 0);
        assert_eq!(listed(), ["10.0.0.50/24 eth0"]);
        sh("ip addr del 10.0.0.50/24 dev eth0");
        assert_eq!(look(&mut Guard::new(ME, crew())).len(), 1);
        assert!(has("10.0.0.50"));

        // Without an interface in the word it goes from all of them.
        up(&both[1..]);
        assert_eq!(down(&[(Agent::IPaddr2, "10.0.0.50")])[0].code, 0);
        assert!(!has("10.0.0.50"));
        assert_eq!(listed(), Vec::<String>::new());
    });
}

/// Else the address would come with an interface of that name, long after it was given away.
#[test]
fn what_is_stopped_where_its_interface_is_gone_is_not_guarded() {
    for gone in ["ip link del eth1", "ip link set eth1 down; ip link set eth1 name lan1; ip link set lan1 up"]
    {
        lab(move || {
            let all = [
                (Agent::IPaddr2, "10.8.0.1/24/eth1:x"),
                (Agent::IPaddr, "10.8.0.2/24/eth1"),
                (Agent::IPv6addr, "fd08::1/64/eth1"),
                (Agent::IPaddr, "192.168.5.9"),
                (Agent::IPaddr2, "192.168.5.10"),
            ];
            assert!(up(&all).iter().all(|a| a.start.as_ref().is_some_and(|s| s.code == 0)));
            assert_eq!(listed().len(), all.len());
            sh(gone);
            down(&all);
            assert_eq!(listed(), Vec::<String>::new(), "{gone}");
        });
    }
}

/// The address stays on it, and another interface may have its name by now.
#[test]
fn what_is_up_on_a_renamed_interface_is_ours() {
    const RENAME: &str = "ip link set eth0 down; ip link set eth0 name lan0; ip link set lan0 up
        ip link add eth0 type veth peer name q0; ip link set eth0 up";
    for end in [true, false] {
        lab(move || {
            ledger::own(ME).unwrap();
            let all = [(Agent::IPaddr2, "10.0.0.50/24/eth0"), (Agent::IPaddr, "10.0.0.51/24/eth0")];
            acquire(&all, &crew());
            sh(RENAME);
            let mut guard = Guard::new(ME, crew());
            assert_eq!(look(&mut guard), Vec::<String>::new(), "they are up");
            sh("ip addr del 10.0.0.50/24 dev lan0");
            assert_eq!(look(&mut guard).len(), 1);
            assert!(has("10.0.0.50"));
            sh("test -z \"$(ip -4 addr show dev eth0)\"");
            if end {
                assert!(down(&all).iter().all(|a| a.code == 0));
            } else {
                assert_eq!(ledger::clear(Some(ME)).removed.len(), 2);
            }
            assert!(!has("10.0.0.50") && !has("10.0.0.51"), "{:?}", addresses());
            assert_eq!(listed(), Vec::<String>::new());
        });
    }
}

/// Both are ours: who releases only one of them has it on two nodes.
#[test]
fn what_is_started_where_the_name_went_leaves_the_renamed_ones_guarded() {
    const RENAME: &str = "ip link set eth1 down; ip link set eth1 name lan1; ip link set lan1 up
        ip link add eth1 type veth peer name q1; ip link set eth1 up; ip link set q1 up";
    const ALL: [(Agent, &str); 1] = [(Agent::IPaddr2, "172.16.0.1/24/eth1")];
    let twice = || addresses().iter().filter(|line| line.contains(" 172.16.0.1/24 ")).count() == 2;
    for end in [true, false] {
        lab(move || {
            ledger::own(ME).unwrap();
            up(&ALL);
            sh(RENAME);
            assert!(up(&ALL)[0].start.as_ref().is_some_and(|start| start.code == 0));
            assert!(twice(), "{:?}", addresses());
            assert_eq!(listed(), ["172.16.0.1/24 eth1", "172.16.0.1/24 eth1"]);
            adopt(&ALL).unwrap();
            assert_eq!(listed().len(), 2);
            let mut guard = Guard::new(ME, crew());
            sh("ip addr flush dev eth1; ip addr flush dev lan1");
            assert_eq!(look(&mut guard).len(), 2);
            assert!(twice(), "{:?}", addresses());
            if end {
                assert!(down(&ALL).iter().all(|a| a.code == 0));
            } else {
                assert_eq!(ledger::clear(Some(ME)).errors, Vec::<String>::new());
            }
            assert!(!has("172.16.0.1"), "{:?}", addresses());
            assert_eq!(listed(), Vec::<String>::new());
        });
    }
}

#[test]
fn a_renamed_interface_has_its_addresses_announced_again() {
    lab(|| {
        up(&[(Agent::IPaddr2, "10.0.0.50/24/eth0")]);
        sh("ip link set eth0 down; ip link set eth0 name lan0; ip link set lan0 up");
        until("the wire carries", LONG, || state("lan0") == "UP");
        let (wire, crew) = (Capture::open(ARP), crew());
        let told =
            || wire.next(Duration::from_millis(100)).is_some_and(|f| f.get(28..32) == Some(&[10, 0, 0, 50]));
        until("it is", LONG, || {
            guard::refresh(&crew);
            told()
        });
    });
}

/// It is written down by its own.
#[test]
fn an_interface_may_be_called_by_another_name() {
    lab(|| {
        sh("ip link property add dev eth0 altname enp0s3");
        let all = [
            (Agent::IPaddr2, "10.0.0.50/24/enp0s3"),
            (Agent::IPaddr, "10.0.0.51/24/enp0s3"),
            (Agent::IPv6addr, "fd00::50/64/enp0s3"),
        ];
        let answers = up(&all);
        assert!(answers.iter().all(|a| a.start.as_ref().is_some_and(|s| s.code == 0)), "{answers:?}");
        assert_eq!(listed(), ["10.0.0.50/24 eth0", "10.0.0.51/24 eth0", "fd00::50/64 eth0"]);
        assert!(ask(&all).iter().all(|a| a.code == 0));
        // One that is gone already is struck out, too.
        sh("ip addr del 10.0.0.50/24 dev eth0");
        assert!(down(&all).iter().all(|a| a.code == 0));
        assert!(!has("10.0.0.51") && !has("fd00::50"));
        assert_eq!(listed(), Vec::<String>::new());
    });
}

#[test]
fn secondaries_that_went_with_their_primary_come_back() {
    lab(|| {
        ledger::own(ME).unwrap();
        sh("echo 0 >/proc/sys/net/ipv4/conf/eth0/promote_secondaries");
        let all = [(Agent::IPaddr2, "10.0.0.50/24/eth0:web"), (Agent::IPaddr, "10.0.0.51/24/eth0")];
        let crew = crew();
        acquire(&all, &crew);
        sh("ip addr del 10.0.0.1/24 dev eth0");
        assert!(!has("10.0.0.50") && !has("10.0.0.51"));
        assert_eq!(look(&mut Guard::new(ME, crew)).len(), 2);
        assert_eq!(line("10.0.0.50"), "inet 10.0.0.50/24 brd 10.0.0.255 scope global eth0:web");
        assert_eq!(line("10.0.0.51"), "inet 10.0.0.51/24 brd 10.0.0.255 scope global secondary eth0:0");
    });
}

/// The kernel takes IPv6 addresses away from a link that goes down.
#[test]
fn a_link_that_comes_back_has_its_ipv6_address() {
    lab(|| {
        ledger::own(ME).unwrap();
        let crew = crew();
        acquire(&[(Agent::IPv6addr, "fd00::50/64/eth0")], &crew);
        sh("ip link set eth0 down");
        assert!(!has("fd00::50"));
        let mut guard = Guard::new(ME, crew);
        assert_eq!(look(&mut guard).len(), 1);
        sh("ip link set eth0 up");
        until("the wire carries", LONG, || state("eth0") == "UP");
        assert_eq!(look(&mut guard), Vec::<String>::new());
        assert_eq!(line("fd00::50"), "inet6 fd00::50/64 scope global nodad");
        sh("ip -6 route get fd00::99 | grep -q 'dev eth0 .*src fd00::50'");
    });
}

#[test]
fn a_link_that_flaps_is_no_fight() {
    lab(|| {
        ledger::own(ME).unwrap();
        let crew = crew();
        acquire(&[(Agent::IPv6addr, "fd00::50/64/eth0")], &crew);
        let mut guard = Guard::new(ME, crew);
        for _ in 0..12 {
            sh("ip link set eth0 down");
            look(&mut guard);
            sh("ip link set eth0 up");
            look(&mut guard);
            assert!(has("fd00::50"));
        }
    });
}

#[test]
fn an_interface_made_anew_is_set_up_and_one_that_was_set_down_is_not() {
    lab(|| {
        ledger::own(ME).unwrap();
        let crew = crew();
        acquire(&[(Agent::IPaddr2, "172.16.0.1/24/eth1")], &crew);
        let mut guard = Guard::new(ME, crew);
        sh("ip link set eth1 down; ip addr flush dev eth1");
        let lines = look(&mut guard);
        assert!(lines[0].ends_with("put back, but eth1 is down"), "{lines:?}");
        sh("ip link del eth1; ip link add eth1 type veth peer name p1; ip link set p1 up");
        let lines = look(&mut guard);
        assert!(lines[0].contains("put back") && !lines[0].contains("down"), "{lines:?}");
        assert!(has("172.16.0.1"));
        sh("ip link show eth1 | grep -q '[<,]UP[,>]'; ip link set eth1 down; ip addr flush dev eth1");
        let lines = look(&mut guard);
        assert!(lines[0].ends_with("but eth1 is down"), "{lines:?}");
    });
}

#[test]
fn a_fight_is_over_with_the_release() {
    lab(|| {
        ledger::own(ME).unwrap();
        let (all, crew) = ([(Agent::IPaddr2, "10.0.0.50/24/eth0")], crew());
        let mut guard = Guard::new(ME, crew.clone());
        let lose = |guard: &mut Guard| {
            acquire(&all, &crew);
            sh("ip addr del 10.0.0.50/24 dev eth0");
            look(guard);
            has("10.0.0.50")
        };
        until("it is a fight", LONG, || !lose(&mut guard));
        down(&all);
        look(&mut guard);
        acquire(&all, &crew);
        sh("ip addr del 10.0.0.50/24 dev eth0");
        look(&mut guard);
        assert!(has("10.0.0.50"));
    });
}

/// The kernel says nothing when it would take it.
#[test]
fn what_cannot_be_put_back_is_tried_again_and_not_announced() {
    lab(|| {
        sh("echo 1 >/proc/sys/net/ipv6/conf/eth0/disable_ipv6");
        std::fs::write("/run/heartbeat.addresses", "fd00::50/64 eth0\n").unwrap();
        let wire = Capture::open(IPV6);
        let mut guard = Guard::new(ME, crew());
        let mut lines = Vec::new();
        let again = guard.look(&mut |_, text| lines.push(text.to_owned()));
        assert!(lines.len() == 1 && lines[0].contains("removed by somebody else: cannot add"), "{lines:?}");
        assert!(again.is_some_and(|wait| wait > Duration::ZERO), "{again:?}");
        let target: std::net::Ipv6Addr = "fd00::50".parse().unwrap();
        let frames = std::iter::from_fn(|| wire.next(Duration::from_millis(300)));
        let told =
            frames.take(100).any(|f| f.get(54) == Some(&136) && f.get(62..78) == Some(&target.octets()));
        assert!(!told, "it is not there");
        // Each second, and that is no fight.
        for _ in 0..20 {
            assert!(look_again(&mut guard) <= Duration::from_secs(1));
        }
        sh("echo 0 >/proc/sys/net/ipv6/conf/eth0/disable_ipv6");
        look(&mut guard);
        assert!(has("fd00::50"));
    });
}

#[test]
fn who_cannot_see_says_so_and_not_each_time() {
    lab(|| {
        ledger::own(ME).unwrap();
        std::fs::remove_file("/run/heartbeat.addresses").unwrap();
        std::fs::create_dir("/run/heartbeat.addresses").unwrap();
        let mut guard = Guard::new(ME, crew());
        let mut lines = Vec::new();
        for _ in 0..100 {
            let again = guard.look(&mut |level, text| lines.push(format!("{level:?} {text}")));
            assert!(again.is_some_and(|wait| wait > Duration::ZERO));
        }
        let first = "Error Cannot see whether the addresses are up: /run/heartbeat.addresses: ";
        assert!(lines.first().is_some_and(|line| line.starts_with(first)), "{lines:?}");
        assert!(lines.len() < 20, "{lines:?}");
    });
}

#[test]
fn an_interface_that_goes_again_is_told_again() {
    lab(|| {
        ledger::own(ME).unwrap();
        let all = [(Agent::IPaddr2, "172.16.0.1/24/eth1")];
        let mut guard = Guard::new(ME, crew());
        for _ in 0..2 {
            up(&all);
            sh("ip link del eth1");
            let lines = look(&mut guard);
            assert!(lines.len() == 1 && lines[0].contains("Interface eth1 is gone"), "{lines:?}");
            // Given to the peer, and taken back.
            down(&all);
            assert_eq!(look(&mut guard), Vec::<String>::new());
            sh("ip link add eth1 type veth peer name p1; ip link set eth1 up; ip link set p1 up");
        }
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

/// The kernel promotes no secondary, and cannot be told to.
pub(crate) const WITHOUT_PROMOTION: &str = "
for nic in eth0 eth1; do echo 0 >/proc/sys/net/ipv4/conf/$nic/promote_secondaries; done
mount --bind /proc/sys /proc/sys; mount -o remount,bind,ro /proc/sys
";

/// `ifdown` and `ifup`: the guard puts ours back before the node's own address is there again, as a secondary.
#[test]
fn the_default_route_survives_an_address_that_became_primary() {
    for end in [true, false] {
        lab(move || {
            ledger::own(ME).unwrap();
            let all = [(Agent::IPaddr2, "10.0.0.50/24/eth0"), (Agent::IPaddr2, "10.0.0.51/24/eth0")];
            acquire(&all, &crew());
            sh("echo 0 >/proc/sys/net/ipv4/conf/eth0/promote_secondaries
                ip addr flush dev eth0; ip link set eth0 down; ip link set eth0 up");
            look(&mut Guard::new(ME, crew()));
            sh("ip addr add 10.0.0.1/24 brd + dev eth0; ip route add default via 10.0.0.254
                ip route add 10.77.0.0/16 via 10.0.0.253");
            assert!(line("10.0.0.1").ends_with("secondary eth0"));
            if end {
                assert!(down(&all).iter().all(|a| a.code == 0));
            } else {
                assert_eq!(ledger::clear(Some(ME)).errors, Vec::<String>::new());
            }
            assert_eq!(line("10.0.0.1"), "inet 10.0.0.1/24 brd 10.0.0.255 scope global eth0");
            assert!(!has("10.0.0.50") && !has("10.0.0.51"));
            sh("ip route | grep -q 'default via 10.0.0.254'; ip route | grep -q '10.77.0.0/16 via 10.0.0.253'
                grep -qx 0 /proc/sys/net/ipv4/conf/eth0/promote_secondaries");
        });
    }
}

#[test]
fn nothing_of_a_dead_owner_stays() {
    lab(|| {
        ledger::own(ME).unwrap();
        sh("ip addr add 10.0.0.80/32 dev lo");
        let all = [
            (Agent::IPaddr2, "10.0.0.50/24/eth0"),
            (Agent::IPaddr2, "172.16.0.1/24/eth1"),
            (Agent::IPaddr2, "10.0.0.80/24/eth0"),
        ];
        assert!(up(&all).iter().all(|a| a.start.as_ref().is_some_and(|s| s.code == 0)));
        assert!(line("10.0.0.80").ends_with(" eth0"));
        // Somebody added it once more, and renamed the interface of another.
        sh("ip addr add 10.0.0.50/32 dev eth0
            ip link set eth1 down; ip link set eth1 name lan1; ip link set lan1 up");
        assert!(has("172.16.0.1"));
        let cleared = ledger::clear(Some(ME));
        assert_eq!((cleared.removed.len(), cleared.errors), (3, Vec::new()));
        assert!(!has("10.0.0.50") && !has("172.16.0.1"), "{:?}", addresses());
        // LVS had this one there: it goes on as a real server.
        assert!(line("10.0.0.80").ends_with(" lo"), "{:?}", addresses());
    });
}

/// By somebody, who did not mean to end the guarding; but what is not up may have been released meanwhile.
#[test]
fn a_list_that_is_removed_is_written_again_with_what_is_up() {
    lab(|| {
        ledger::own(ME).unwrap();
        let all = [
            (Agent::IPaddr2, "10.0.0.50/24/eth0"),
            (Agent::IPaddr2, "10.0.0.51/24/eth0"),
            (Agent::IPaddr2, "172.16.0.1/24/eth1"),
        ];
        up(&all);
        let mut guard = Guard::new(ME, crew());
        assert_eq!(look(&mut guard), Vec::<String>::new());
        down(&all[1..2]);
        sh("ip addr del 172.16.0.1/24 dev eth1; rm /run/heartbeat.addresses");
        let lines = look(&mut guard);
        assert!(lines.len() == 3 && lines.iter().all(|line| line.starts_with("Warn ")), "{lines:?}");
        assert_eq!(listed(), ["10.0.0.50/24 eth0"]);
        assert_eq!(ledger::read().unwrap().owner, Some(ME));
        assert!(!has("10.0.0.51") && !has("172.16.0.1"));
        assert_eq!(look(&mut guard), Vec::<String>::new(), "told once");
        sh("ip addr del 10.0.0.50/24 dev eth0");
        assert_eq!(look(&mut guard).len(), 1);
        assert!(has("10.0.0.50"));
        // All of it was given up: only whose it is remains. What came up just now nobody knows.
        down(&all[..1]);
        assert_eq!(look(&mut guard), Vec::<String>::new());
        up(&all[..1]);
        sh("rm /run/heartbeat.addresses");
        let lines = look(&mut guard);
        assert!(lines.len() == 1 && lines[0].contains("with the 0 known addresses"), "{lines:?}");
        assert_eq!(ledger::read().unwrap().owner, Some(ME));
        assert_eq!(look(&mut guard), Vec::<String>::new());
    });
}

/// Before the guard has seen it somebody puts another address up: he knows nothing of the others.
#[test]
fn a_list_that_is_removed_and_begun_anew_is_written_again() {
    lab(|| {
        ledger::own(ME).unwrap();
        let all = [(Agent::IPaddr2, "10.0.0.50/24/eth0"), (Agent::IPaddr2, "10.0.0.51/24/eth0")];
        let mut guard = Guard::new(ME, crew());
        up(&all[..1]);
        assert!(!guard.heed());
        sh("rm /run/heartbeat.addresses");
        assert!(guard.heed());
        up(&all[1..]);
        assert_eq!(listed(), ["10.0.0.51/24 eth0"]);
        assert!(guard.heed());
        assert_eq!(look(&mut guard).len(), 1);
        assert_eq!(listed(), ["10.0.0.50/24 eth0", "10.0.0.51/24 eth0"]);
        assert_eq!(ledger::read().unwrap().owner, Some(ME));
        assert!(!guard.heed());
        // Emptied, where it could not be written.
        std::fs::write("/run/heartbeat.addresses", "").unwrap();
        assert!(!guard.heed());
        sh("rm /run/heartbeat.addresses");
        assert!(!guard.heed());
    });
}

/// The kernel goes on promoting else, as nobody told it to.
#[test]
fn who_is_killed_while_he_removes_one_leaves_the_kernel_as_it_was_in_the_end() {
    lab(|| {
        up(&[(Agent::IPaddr2, "172.16.0.1/24/eth1")]);
        sh("ip addr add 172.16.0.9/24 brd + dev eth1; mkfifo /run/slow
            echo 0 >/proc/sys/net/ipv4/conf/eth1/promote_secondaries
            mount --bind /run/slow /proc/sys/net/ipv4/conf/eth1/promote_secondaries");
        let stop = ours().join("IPaddr2");
        let mut stop = Command::new(stop).args(["172.16.0.1/24/eth1", "stop"]).spawn().unwrap();
        // It reads what is set, and waits for somebody who takes what it sets.
        sh("echo 0 >/run/slow");
        until("it is at it", LONG, || std::path::Path::new("/run/resource-agents/promoting").exists());
        stop.kill().unwrap();
        stop.wait().unwrap();
        sh("umount /proc/sys/net/ipv4/conf/eth1/promote_secondaries
            echo 1 >/proc/sys/net/ipv4/conf/eth1/promote_secondaries");
        assert_eq!(ledger::clear(None).errors, Vec::<String>::new());
        sh("grep -qx 0 /proc/sys/net/ipv4/conf/eth1/promote_secondaries
            test ! -e /run/resource-agents/promoting");
        assert!(!has("172.16.0.1") && has("172.16.0.9"));
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
        let draft = format!("/run/heartbeat.addresses.{}.new", nix::unistd::gettid());
        std::fs::create_dir(&draft).unwrap();
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
        std::fs::remove_dir(draft).unwrap();
    });
}

fn listed() -> Vec<String> {
    let entries = ledger::read().unwrap().entries;
    entries.iter().map(|e| format!("{}/{} {}", e.wanted.ip, e.wanted.bits, e.nic)).collect()
}

#[test]
fn who_stops_by_hand_is_told_that_nobody_guards_it_then() {
    lab(|| {
        let stop = |nic: &str| {
            let output = run(&ours().join("IPaddr2"), &[&format!("10.0.0.50/24/{nic}"), "stop"]);
            String::from_utf8(output.stderr).unwrap().contains("not guarded by heartbeat any more")
        };
        let all = [(Agent::IPaddr2, "10.0.0.50/24/eth0")];
        up(&all);
        assert!(!stop("eth1"), "another one");
        assert!(stop("eth0"));
        assert!(!stop("eth0"), "it was not");
        // What the ResourceManager finds up it has guarded.
        sh("ip addr add 10.0.0.50/24 dev eth0");
        up(&all);
        assert_eq!(listed(), ["10.0.0.50/24 eth0"]);
    });
}

/// The kernel has it in a multicast group twice, which it refuses: it went with its primary and cannot come back.
#[test]
fn what_is_gone_is_struck_out_whatever_else_cannot_be_put_back() {
    lab(|| {
        sh(WITHOUT_PROMOTION);
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
