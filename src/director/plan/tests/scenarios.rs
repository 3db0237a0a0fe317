//! The recordings of the reference, `tests/vectors/ldirectord/scenarios`: with the same events, the same table
//! after each.

use std::net::SocketAddr;

use super::*;
use crate::director::table::listing::listing;
use crate::director::table::{Dest, Forward, Protocol, Service, ServiceId};

macro_rules! scenario {
    ($number:literal) => {
        Recorded {
            config: include_str!(concat!(
                "../../../../tests/vectors/ldirectord/scenarios/",
                $number,
                "/ldirectord.cf"
            )),
            tables: include_str!(concat!(
                "../../../../tests/vectors/ldirectord/scenarios/",
                $number,
                "/tables.txt"
            )),
        }
    };
}

struct Recorded {
    config: &'static str,
    tables: &'static str,
}

impl Recorded {
    fn after(&self, event: usize) -> String {
        let head = format!("## after event {event}\n");
        let (_, rest) = self.tables.split_once(&head).unwrap();
        rest.split("## ").next().unwrap().to_owned()
    }

    fn same(&self, director: &Director, event: usize) {
        assert_eq!(listing(&director.kernel.table), self.after(event), "after event {event}");
    }

    fn started(&self, down: &[(usize, &str)]) -> Director {
        let director = Director::started(self.config, Fake::default(), down);
        self.same(&director, 1);
        director
    }

    /// Changes the configuration, and reloads it.
    fn edit(&self, text: &mut String, d: &mut Director, event: usize, from: &str, to: &str) {
        assert!(text.contains(from), "{from} in {text}");
        *text = text.replacen(from, to, 1);
        assert!(d.reload(text));
        self.same(d, event);
    }

    fn last(&self, mut director: Director, event: usize) {
        director.stop();
        self.same(&director, event);
        let next = format!("## after event {}", event + 1);
        assert!(!self.tables.contains(&next), "an event was forgotten");
    }
}

fn at(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn tcp(text: &str) -> ServiceId {
    ServiceId::address(Protocol::Tcp, at(text))
}

#[test]
fn s01_http_and_fallback() {
    let s = scenario!("01");
    let mut d = s.started(&[]);
    let web = "-t 172.16.103.50:80";
    let add = |ip: &str| format!("-a {web} -x 0 -y 0 -r {ip}:80 -g -w 1");
    let delete = |ip: &str| format!("-d {web} -r {ip}:80");
    let (one, two, fallback) = ("172.16.103.3", "172.16.103.4", "127.0.0.1");
    assert_eq!(d.told(), [format!("-A {web} -s rr"), add(one), add(two)], "no pulse");
    d.fail(0, one);
    s.same(&d, 2);
    assert_eq!(d.told(), [delete(one)]);
    d.fail(0, two);
    s.same(&d, 3);
    assert_eq!(d.told(), [delete(two), add(fallback)]);
    d.recover(0, one);
    s.same(&d, 4);
    assert_eq!(d.told(), [add(one), delete(fallback)]);
    d.recover(0, two);
    s.same(&d, 5);
    d.told();
    assert!(d.reload(s.config));
    s.same(&d, 6);
    assert_eq!(d.told(), Vec::<String>::new(), "nothing changed: nothing is told");
    s.last(d, 7);
}

#[test]
fn s02_persistent_started_with_nothing_up() {
    let s = scenario!("02");
    let mut d = s.started(&[(0, "192.168.200.102"), (0, "192.168.200.103")]);
    d.recover(0, "192.168.200.102");
    s.same(&d, 2);
    d.recover(0, "192.168.200.103");
    s.same(&d, 3);
    d.fail(0, "192.168.200.102");
    s.same(&d, 4);
    d.recover(0, "192.168.200.102");
    s.same(&d, 5);
    s.last(d, 6);
}

#[test]
fn s03_quiescent_and_nothing_up() {
    let s = scenario!("03");
    let mut d = s.started(&[(0, "192.168.1.2"), (0, "192.168.1.3"), (0, "192.168.1.4")]);
    d.recover(0, "192.168.1.3");
    s.same(&d, 2);
    d.recover(0, "192.168.1.2");
    s.same(&d, 3);
    d.fail(0, "192.168.1.3");
    s.same(&d, 4);
    s.last(d, 5);
}

#[test]
fn s04_quiescent_weights_and_soft_failures() {
    let s = scenario!("04");
    let mut d = s.started(&[]);
    d.down.insert((0, "10.1.0.1".parse().unwrap()));
    d.round();
    d.recover(0, "10.1.0.1");
    s.same(&d, 2);
    assert!(
        d.log.contains(&"Soft failure real server: 10.1.0.1:80 (tcp:10.1.0.100:80) failure 1/3".to_owned())
    );
    assert!(d.log.contains(&"Resetting soft failure count: 10.1.0.1:80 (tcp:10.1.0.100:80)".to_owned()));
    d.fail(0, "10.1.0.1");
    s.same(&d, 3);
    let line = "Quiescent real server: 10.1.0.1:80 (10.1.0.100:80) (Weight set to 0)";
    assert_eq!(d.log.last().map(String::as_str), Some(line));
    d.fail(0, "10.1.0.2");
    s.same(&d, 4);
    d.recover(0, "10.1.0.2");
    s.same(&d, 5);
    d.kernel.apply(&Op::DelDest(tcp("10.1.0.100:80"), at("10.1.0.1:80"))).unwrap();
    d.rounds();
    d.carry_out(correct(&d.config, &d.state, &d.kernel.table));
    s.same(&d, 6);
    d.recover(0, "10.1.0.1");
    s.same(&d, 7);
    s.last(d, 8);
}

#[test]
fn s05_reload() {
    let s = scenario!("05");
    let mut d = s.started(&[]);
    let mut text = s.config.to_owned();
    let t = &mut text;
    let real = |n: usize, rest: &str| format!("        real=10.2.0.{n}:80 {rest}\n");
    s.edit(t, &mut d, 2, &real(1, "gate"), &real(1, "gate 4"));
    d.told();
    s.edit(t, &mut d, 3, &real(2, "gate"), &(real(2, "gate") + &real(3, "gate")));
    assert_eq!(d.told(), ["-a -t 10.2.0.100:80 -x 0 -y 0 -r 10.2.0.3:80 -g -w 1"]);
    s.edit(t, &mut d, 4, &real(2, "gate"), "");
    s.edit(t, &mut d, 5, "scheduler=rr\n", "scheduler=wlc\n        persistent=60\n");
    s.edit(t, &mut d, 6, &real(3, "gate"), &real(3, "ipip"));
    d.told();
    let second = "virtual=10.2.0.101:80\n".to_owned()
        + &real(1, "gate 4")
        + &real(2, "gate")
        + "        service=http\n        receive=\"OK\"\n";
    s.edit(t, &mut d, 7, "persistent=60\n", &format!("persistent=60\n{second}"));
    assert!(d.told().iter().all(|op| op.contains("10.2.0.101")), "the first service is left alone");
    d.fail(0, "10.2.0.1");
    d.fail(1, "10.2.0.1");
    s.same(&d, 8);
    d.told();
    s.edit(t, &mut d, 9, "virtual=10.2.0.101", "# comment\nvirtual=10.2.0.101");
    assert_eq!(d.told(), Vec::<String>::new(), "a server that is down is not pulsed");
    d.recover(0, "10.2.0.1");
    d.recover(1, "10.2.0.1");
    s.same(&d, 10);
    // the first service goes: the second is the first now
    let first = t.split("# comment").next().unwrap().to_owned();
    let begin = first.find("virtual=").unwrap();
    s.edit(t, &mut d, 11, &first[begin..], "");
    s.same(&d, 12);
    s.last(d, 13);
}

#[test]
fn s06_broken_configurations() {
    let s = scenario!("06");
    let mut d = s.started(&[]);
    let edited = s.config.replacen("real=10.3.0.1:80 gate", "real=10.3.0.1:80 gate 9", 1);
    s.same(&d, 2);
    assert!(d.reload(&edited));
    s.same(&d, 3);
    assert!(!d.reload(&format!("{edited}quiescent=maybe\n")));
    s.same(&d, 4);
    d.fail(0, "10.3.0.1");
    s.same(&d, 5);
    d.recover(0, "10.3.0.1");
    s.same(&d, 6);
    assert!(!d.reload(&format!("quiescent=maybe\n{edited}")));
    s.same(&d, 7);
    d.fail(0, "10.3.0.2");
    // ldirectord.md 15, 2: the reference is deaf here until the next good reload, we are not
    assert_ne!(s.after(8), s.after(9));
    s.same(&d, 9);
    assert!(d.reload(&edited));
    s.same(&d, 9);
    s.same(&d, 10);
    s.same(&d, 11);
    s.last(d, 12);
}

#[test]
fn s07_a_table_that_is_there_already() {
    let s = scenario!("07");
    let mut kernel = Fake::default();
    let web = tcp("10.4.0.100:80");
    let other = tcp("10.4.0.200:80");
    let gate = |weight| Dest { forward: Forward::Route, weight, ..Dest::default() };
    let scheduled = |name: &str| Service { scheduler: name.to_owned(), ..Service::default() };
    let rows =
        [("10.4.0.1:80", 1), ("10.4.0.2:80", 1), ("10.4.0.3:80", 0), ("10.4.0.9:80", 1), ("127.0.0.1:80", 1)];
    kernel.apply(&Op::AddService(web, scheduled("wlc"))).unwrap();
    for (ip, weight) in rows {
        kernel.apply(&Op::AddDest(web, at(ip), gate(weight))).unwrap();
    }
    kernel.apply(&Op::AddService(other, scheduled("rr"))).unwrap();
    kernel.apply(&Op::AddDest(other, at("10.4.0.1:80"), gate(1))).unwrap();
    kernel.told.clear();
    let mut d = Director::started(s.config, kernel, &[(0, "10.4.0.4")]);
    s.same(&d, 1);
    let restored = |ip: &str, weight| format!("-e -t 10.4.0.100:80 -x 0 -y 0 -r {ip}:80 -g -w {weight}");
    let wanted = [
        "-E -t 10.4.0.100:80 -s rr".to_owned(),
        restored("10.4.0.2", 3),
        "-d -t 10.4.0.100:80 -r 127.0.0.1:80".to_owned(),
        "-d -t 10.4.0.100:80 -r 10.4.0.9:80".to_owned(),
        restored("10.4.0.3", 1),
    ];
    assert_eq!(d.told(), wanted);
    d.stop();
    s.same(&d, 2);
    let mut d = Director::started(s.config, d.kernel, &[(0, "10.4.0.1"), (0, "10.4.0.4")]);
    s.same(&d, 3);
    d.kernel.apply(&Op::DelService(web)).unwrap();
    d.rounds();
    s.same(&d, 4);
    // ldirectord.md 15, 11: the reference fails to add the server to a service that is gone
    d.recover(0, "10.4.0.1");
    s.same(&d, 6);
    assert!(d.reload(s.config));
    s.same(&d, 6);
}

#[test]
fn s08_ports_marks_and_ranges() {
    let s = scenario!("08");
    let mut d = s.started(&[]);
    d.told();
    assert!(d.reload(s.config));
    s.same(&d, 2);
    assert_eq!(d.told(), Vec::<String>::new(), "a mapped port is known again");
    d.fail(0, "10.5.0.2");
    s.same(&d, 3);
    let line = "Deleted real server: 10.5.0.2:80 mapped from 10.5.0.2:8080 (10.5.0.100:80)";
    assert_eq!(d.log.last().map(String::as_str), Some(line));
    d.fail(1, "10.5.0.10");
    s.same(&d, 4);
    d.fail(1, "10.5.0.9");
    d.fail(1, "10.5.0.11");
    s.same(&d, 5);
    d.recover(1, "10.5.0.9");
    s.same(&d, 6);
    d.recover(0, "10.5.0.2");
    s.same(&d, 7);
    s.last(d, 8);
}

#[test]
fn s09_kinds_of_checks() {
    let s = scenario!("09");
    // off; on; connect refused; two external commands; no echo
    let down = [(0, "10.6.0.1"), (2, "10.6.0.3"), (3, "10.6.0.2"), (4, "10.6.0.2"), (5, "10.6.0.9")];
    let mut d = s.started(&down);
    for index in [3, 4] {
        d.down.insert((index, "10.6.0.1".parse().unwrap()));
        d.recover(index, "10.6.0.2");
    }
    s.same(&d, 2);
    d.fail(6, "10.6.0.2");
    s.same(&d, 3);
    s.last(d, 4);
}

#[test]
fn s10_maintenance_and_readdquiescent() {
    let s = scenario!("10");
    let mut d = s.started(&[]);
    let place = |ip: &str| (0, ip.parse().unwrap());
    d.maintained.insert(place("10.7.0.1"));
    d.rounds();
    s.same(&d, 2);
    d.maintained.insert(place("10.7.0.2"));
    d.rounds();
    s.same(&d, 3);
    d.kernel.apply(&Op::DelDest(tcp("10.7.0.100:80"), at("10.7.0.2:80"))).unwrap();
    d.rounds();
    s.same(&d, 4);
    d.maintained.clear();
    d.rounds();
    s.same(&d, 5);
    d.fail(0, "10.7.0.1");
    s.same(&d, 6);
    d.rounds();
    s.same(&d, 7);
    assert_eq!(d.commands, ["stop 10.7.0.100:80", "start 10.7.0.100:80", "stop 10.7.0.100:80"]);
    s.last(d, 8);
}

#[test]
fn s11_two_services_share_a_server() {
    let s = scenario!("11");
    let mut d = s.started(&[]);
    d.fail(0, "10.8.0.2");
    d.fail(1, "10.8.0.2");
    s.same(&d, 2);
    s.same(&d, 3);
    d.recover(0, "10.8.0.2");
    d.recover(1, "10.8.0.2");
    s.same(&d, 4);
    assert!(d.reload(s.config));
    s.same(&d, 5);
    d.fail(0, "10.8.0.1");
    s.same(&d, 6);
    s.last(d, 7);
}

#[test]
fn s12_ipv6() {
    let s = scenario!("12");
    let mut d = s.started(&[]);
    d.fail(0, "2001:db8:0:1::4");
    s.same(&d, 2);
    d.fail(0, "2001:db8:0:1::6");
    s.same(&d, 3);
    d.told();
    assert!(d.reload(s.config));
    s.same(&d, 4);
    assert_eq!(d.told(), Vec::<String>::new(), "servers that are down are not pulsed");
    d.recover(0, "2001:db8:0:1::4");
    s.same(&d, 5);
    s.last(d, 6);
}
