//! Sync daemons, timeouts, counters: both ways say the same.

use std::net::TcpStream;
use std::time::{Duration, Instant};

use heartbeat::director::checks::Outcome;
use heartbeat::director::checks::probe::{Probe, Way};
use heartbeat::director::checks::run::run;
use heartbeat::director::ipvs::Ipvs;
use heartbeat::director::table::{
    Dest, Forward, Op, Protocol, Role, Service, ServiceId, SyncDaemon, Timeouts,
};

use crate::Kernel;
use crate::guest::sh;

const NETWORK: &str = "
ip link set lo up
ip link add sync0 type dummy
ip addr add 192.0.2.1/24 dev sync0
ip link set sync0 up
";

pub(crate) fn daemons(kernel: &mut Kernel) {
    sh(NETWORK);
    let group = "224.0.0.90".parse().ok();
    let master = SyncDaemon {
        role: Role::Master,
        interface: "sync0".to_owned(),
        sync_id: 7,
        max_length: 1400,
        group,
        port: 8849,
        ttl: 2,
    };
    let backup = SyncDaemon { role: Role::Backup, sync_id: 8, ..master.clone() };
    kernel.netlink.start_daemon(&master).unwrap();
    kernel.ipvsadm.start_daemon(&backup).unwrap();
    let both = [master, backup.clone()];
    assert_eq!(kernel.netlink.daemons().unwrap(), both);
    assert_eq!(kernel.ipvsadm.daemons().unwrap(), both);
    kernel.netlink.stop_daemon(Role::Master).unwrap();
    assert_eq!(kernel.netlink.daemons().unwrap(), [backup]);
    kernel.ipvsadm.stop_daemon(Role::Backup).unwrap();
    assert_eq!(kernel.netlink.daemons().unwrap(), []);
}

pub(crate) fn timeouts(kernel: &mut Kernel) {
    let mut wanted = Timeouts { tcp: 800, tcp_fin: 100, udp: 200 };
    kernel.netlink.set_timeouts(&wanted).unwrap();
    assert_eq!(kernel.ipvsadm.timeouts().unwrap(), wanted);
    kernel.ipvsadm.set_timeouts(&Timeouts { tcp: 700, tcp_fin: 0, udp: 0 }).unwrap();
    wanted.tcp = 700;
    assert_eq!(kernel.netlink.timeouts().unwrap(), wanted, "what is 0 stays");
}

pub(crate) fn counters(kernel: &mut Kernel) {
    sh("ip addr add 10.0.0.100/32 dev lo");
    let id = ServiceId::address(Protocol::Tcp, "10.0.0.100:8080".parse().unwrap());
    let dest = Dest { forward: Forward::Masq, weight: 1, ..Dest::default() };
    kernel.netlink.apply(&Op::AddService(id, Service::default())).unwrap();
    kernel.netlink.apply(&Op::AddDest(id, "127.0.0.1:9".parse().unwrap(), dest)).unwrap();
    // nobody listens there: one packet out, one back
    TcpStream::connect("10.0.0.100:8080").unwrap_err();
    let deadline = Instant::now() + Duration::from_secs(10);
    let counted = loop {
        let counted = kernel.netlink.counters().unwrap();
        // the kernel counts in the background
        if counted[0].through.packets_out > 0 {
            break counted;
        }
        assert!(Instant::now() < deadline, "{counted:?}");
    };
    let through = counted[0].through;
    assert_eq!((through.connections, through.packets_in, through.packets_out), (1, 1, 1));
    assert_eq!(counted[0].dests[0].through, through);
    assert_eq!(kernel.ipvsadm.counters().unwrap(), counted);
    kernel.netlink.zero(Some(&id)).unwrap();
    assert_eq!(kernel.netlink.counters().unwrap()[0].through.connections, 0);
    kernel.clear();
}

/// Pings want a raw socket, which root of a guest surely has.
pub(crate) fn pings() {
    sh("ip addr add fd00::1/128 dev lo");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let ping = |ip: &str| {
        let probe = Probe {
            way: Way::Ping(2),
            at: (ip.parse::<std::net::IpAddr>().unwrap(), 0).into(),
            timeout: Duration::from_millis(300),
            negotiate_timeout: Duration::from_secs(1),
        };
        runtime.block_on(run(&probe))
    };
    for there in ["127.0.0.1", "10.0.0.100", "fd00::1", "::1"] {
        assert!(ping(there).up, "{there}: {:?}", ping(there));
    }
    // on the link, and nobody there
    assert_eq!(ping("192.0.2.77"), Outcome::down(""));
    assert!(!ping("198.51.100.1").up, "no route");
}
