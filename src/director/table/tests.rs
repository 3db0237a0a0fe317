//! The table and its changes, as ipvsadm has them.

use super::*;

fn at(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn web() -> ServiceId {
    ServiceId::address(Protocol::Tcp, at("10.0.0.100:80"))
}

#[test]
fn changes_are_the_command_lines_of_the_reference() {
    let persistence = Some(Persistence { timeout: 60, netmask: Netmask::V6(64) });
    let news = ServiceId::address(Protocol::Tcp, at("[2001:db8::5]:119"));
    let wlc = Service { scheduler: "wlc".to_owned(), persistence, ..Service::default() };
    let mark = ServiceId::Mark { mark: 9, family: Family::V6 };
    let sh = Service { scheduler: "sh".to_owned(), flags: SchedFlags(3), ..Service::default() };
    let masq = Dest { forward: Forward::Masq, weight: 2, upper: 100, lower: 50, ..Dest::default() };
    for (op, wanted) in [
        (Op::AddService(news, wlc), "-A -t [2001:db8::5]:119 -s wlc -p 60 -M 64"),
        (Op::EditService(mark, Service::default()), "-E -f 9 -6 -s wrr"),
        (Op::AddService(web(), sh), "-A -t 10.0.0.100:80 -s sh -b sh-fallback,sh-port"),
        (
            Op::AddDest(web(), at("10.5.0.3:8080"), masq),
            "-a -t 10.0.0.100:80 -x 100 -y 50 -r 10.5.0.3:8080 -m -w 2",
        ),
        (Op::DelDest(mark, at("[::1]:0")), "-d -f 9 -6 -r [::1]:0"),
        (Op::DelService(web()), "-D -t 10.0.0.100:80"),
    ] {
        assert_eq!(op.to_string(), wanted);
    }
}

#[test]
fn what_cannot_be_changes_nothing() {
    let mut table = Table::default();
    let dest = Dest::default();
    let real = at("10.0.0.1:80");
    assert_eq!(table.apply(&Op::AddDest(web(), real, dest)), Err(Fault::NoService));
    assert_eq!(table.apply(&Op::EditService(web(), Service::default())), Err(Fault::NoService));
    assert_eq!(table.apply(&Op::AddService(web(), Service::default())), Ok(()));
    assert_eq!(table.apply(&Op::AddService(web(), Service::default())), Err(Fault::Exists));
    assert_eq!(table.apply(&Op::EditDest(web(), real, dest)), Err(Fault::NoDest));
    assert_eq!(table.apply(&Op::AddDest(web(), real, dest)), Ok(()));
    assert_eq!(table.apply(&Op::AddDest(web(), real, dest)), Err(Fault::Exists));
    assert_eq!(table.apply(&Op::DelDest(web(), at("10.0.0.2:80"))), Err(Fault::NoDest));
    assert_eq!(table.apply(&Op::DelService(web())), Ok(()));
    assert_eq!(table, Table::default());
}

#[test]
fn an_old_kernel_says_local_for_its_own_address() {
    let wanted = Dest { forward: Forward::Route, weight: 1, ..Dest::default() };
    assert!(wanted.is_met_by(&Dest { forward: Forward::Local, ..wanted }));
    assert!(!wanted.is_met_by(&Dest { forward: Forward::Masq, ..wanted }));
    assert!(!wanted.is_met_by(&Dest { upper: 1, ..wanted }));
    let tunnel = Tunnel::Gre { flags: 0 };
    assert!(wanted.is_met_by(&Dest { tunnel, ..wanted }), "no tunnel, no matter");
}

#[test]
fn flags_have_the_names_of_their_scheduler() {
    assert_eq!(SchedFlags::named("sh", "sh-port"), Some(SchedFlags(2)));
    assert_eq!(SchedFlags::named("mh", "sh-port"), None);
    assert_eq!(SchedFlags::named("rr", "flag-3"), Some(SchedFlags(4)));
    assert_eq!(SchedFlags(7).names("mh"), ["mh-fallback", "mh-port", "flag-3"]);
}
