//! quick try
mod lab;
use std::time::{Duration, Instant};
use lab::{Lab, Flavour};
fn main() {
    let t = Instant::now();
    let lab = Lab::new("try", [Flavour::Reference, Flavour::Reference]).unwrap_or_else(|e| panic!("{e}"));
    println!("up {:?}", t.elapsed());
    for n in lab.nodes() {
        n.configure("logfile /var/log/ha-log\nlogfacility none\nkeepalive 200ms\ndeadtime 2000ms\nwarntime 1000ms\ninitdead 4000ms\nbcast eth0\nauto_failback on\nnode b1 b2\n", "auth 1\n1 sha1 secret\n", "b1 IPaddr2::10.80.0.101/24/eth0 probe::one\nb2 IPaddr2::10.80.0.102/24/eth0 probe::two\n").unwrap_or_else(|e| panic!("{e}"));
    }
    for n in lab.nodes() { n.start().unwrap_or_else(|e| panic!("{e}")); }
    println!("started {:?}", t.elapsed());
    let r = lab.wait_until("both", Duration::from_secs(25), || if lab.nodes().iter().all(|n| n.log().contains("Initial resource acquisition complete") && !n.vips().is_empty()) { Ok(()) } else { Err(format!("{:?} {:?}", lab.node(1).vips(), lab.node(2).vips())) });
    println!("{r:?} {:?}", t.elapsed());
    std::thread::sleep(Duration::from_secs(3));
    for n in lab.nodes() { println!("{}\n{:#?}\n{:?}", n.log(), n.calls(), n.vips()); }
}
