//! Every kind of change, by either way; both ways read the same table, and it is the one that was made.

use heartbeat::director::ipvs::{Error, Fake, Ipvs};
use heartbeat::director::table::{
    Dest, Family, Forward, Netmask, Op, Persistence, Protocol, SchedFlags, Service, ServiceId, Tunnel,
};
use nix::errno::Errno;

use crate::Kernel;

fn tcp(at: &str) -> ServiceId {
    ServiceId::address(Protocol::Tcp, at.parse().unwrap())
}

fn service(scheduler: &str) -> Service {
    Service { scheduler: scheduler.to_owned(), ..Service::default() }
}

fn dest(forward: Forward, weight: u32) -> Dest {
    Dest { forward, weight, ..Dest::default() }
}

fn changes() -> Vec<Op> {
    let web = tcp("10.0.0.100:80");
    let udp = ServiceId::address(Protocol::Udp, "10.0.0.100:53".parse().unwrap());
    let news = tcp("[2001:db8::5]:119");
    let (mark, mark6) =
        (ServiceId::Mark { mark: 7, family: Family::V4 }, ServiceId::Mark { mark: 9, family: Family::V6 });
    let persistent = |name, timeout, netmask| Service {
        persistence: Some(Persistence { timeout, netmask }),
        ..service(name)
    };
    let at = |text: &str| text.parse().unwrap();
    let gue = Dest { tunnel: Tunnel::Gue { port: 6080, flags: 1 }, ..dest(Forward::Tunnel, 2) };
    let limited = Dest { upper: 100, lower: 50, ..dest(Forward::Route, 3) };
    vec![
        Op::AddService(web, service("rr")),
        Op::AddDest(web, at("10.0.0.1:80"), limited),
        Op::AddDest(web, at("10.0.0.2:8080"), dest(Forward::Masq, 65_535)),
        Op::AddDest(web, at("10.0.0.3:80"), gue),
        Op::AddDest(web, at("127.0.0.1:80"), dest(Forward::Route, 1)),
        Op::EditDest(web, at("10.0.0.1:80"), dest(Forward::Tunnel, 0)),
        Op::EditDest(web, at("10.0.0.3:80"), dest(Forward::Tunnel, 2)),
        Op::EditService(web, Service { flags: SchedFlags(3), ..service("sh") }),
        Op::EditService(web, persistent("wlc", 300, Netmask::V4([255, 255, 255, 0].into()))),
        Op::EditService(web, service("wrr")),
        Op::DelDest(web, at("10.0.0.2:8080")),
        Op::AddService(udp, Service { one_packet: true, ..service("mh") }),
        Op::AddDest(udp, at("10.0.0.9:53"), dest(Forward::Masq, 1)),
        Op::AddService(mark, persistent("wlc", 600, Netmask::V4([255; 4].into()))),
        Op::AddDest(mark, at("10.0.0.9:0"), dest(Forward::Route, 1)),
        Op::AddService(news, persistent("wlc", 60, Netmask::V6(64))),
        Op::AddDest(news, at("[2001:db8::7]:1119"), dest(Forward::Masq, 1)),
        Op::AddService(mark6, service("sed")),
        Op::AddDest(mark6, at("[2001:db8::7]:0"), dest(Forward::Tunnel, 1)),
        Op::DelService(web),
        Op::DelDest(mark6, at("[2001:db8::7]:0")),
    ]
}

/// Makes every change in the kernel and in a fake: after each the tables are the same.
fn same(kernel: &mut Kernel, make: fn(&mut Kernel, &Op) -> Result<(), Error>) {
    kernel.clear();
    let mut fake = Fake::default();
    for op in changes() {
        make(kernel, &op).unwrap_or_else(|e| panic!("{op}: {e}"));
        fake.apply(&op).unwrap();
        assert_eq!(kernel.netlink.table().unwrap(), fake.table, "netlink, after {op}");
    }
    assert_eq!(kernel.ipvsadm.table().unwrap(), fake.table, "ipvsadm");
    kernel.clear();
}

pub(crate) fn by_netlink(kernel: &mut Kernel) {
    same(kernel, |kernel, op| kernel.netlink.apply(op));
}

pub(crate) fn by_ipvsadm(kernel: &mut Kernel) {
    same(kernel, |kernel, op| kernel.ipvsadm.apply(op));
}

pub(crate) fn refusals(kernel: &mut Kernel) {
    let web = tcp("10.0.0.100:80");
    let at = "10.0.0.1:80".parse().unwrap();
    let mut refused = |op: &Op| match kernel.netlink.apply(op) {
        Err(Error::Refused { errno, .. }) => Some(errno),
        other => panic!("{op}: {other:?}"),
    };
    assert_eq!(refused(&Op::AddDest(web, at, dest(Forward::Masq, 1))), Some(Errno::ESRCH));
    assert_eq!(refused(&Op::AddService(web, service("nosuchscheduler"))), Some(Errno::ENOENT));
    kernel.netlink.apply(&Op::AddService(web, service("rr"))).unwrap();
    let mut refused = |op: &Op| match kernel.netlink.apply(op) {
        Err(Error::Refused { errno, .. }) => Some(errno),
        other => panic!("{op}: {other:?}"),
    };
    assert_eq!(refused(&Op::AddService(web, service("rr"))), Some(Errno::EEXIST));
    assert_eq!(refused(&Op::DelDest(web, at)), Some(Errno::ENOENT));
    let said = kernel.ipvsadm.apply(&Op::DelDest(web, at)).unwrap_err().to_string();
    assert!(said.ends_with("failed: No such destination"), "{said}");
    kernel.clear();
}
