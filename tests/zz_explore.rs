#![allow(clippy::all, clippy::unwrap_used, missing_docs, reason = "explore")]
mod lab;
use lab::{Flavour::*, Lab};
use std::time::Duration;
fn cf(extra: &str) -> String {
    format!(
        "logfile /var/log/ha-log\nlogfacility none\nkeepalive 200ms\nwarntime 1000ms\ndeadtime 2000ms\ninitdead 4000ms\n{extra}\nauto_failback on\nnode b1 b2\n"
    )
}
#[test]
fn explore() {
    let extra = std::env::var("EXTRA").unwrap().replace(';', "\n");
    let acts = std::env::var("ACTS").unwrap_or_default();
    let f = match std::env::var("PAIR").as_deref() {
        Ok("oo") => [Ours, Ours],
        Ok("or") => [Ours, Reference],
        _ => [Reference, Reference],
    };
    let mut lab = Lab::new("explore", f).unwrap();
    lab.lay_serial_cable().unwrap();
    for node in lab.nodes() {
        node.configure(
            &cf(&extra),
            "auth 1\n1 sha1 abc\n",
            "b1 IPaddr2::10.80.0.101/24/eth0\nb2 IPaddr2::10.80.0.102/24/eth0\n",
        )
        .unwrap();
    }
    for act in acts.split('|').map(str::trim).filter(|a| !a.is_empty()) {
        let (word, rest) = act.split_once(' ').unwrap_or((act, ""));
        eprintln!("== {act}");
        for n in [1, 2] {
            let mut l = lab.node(n).log();
            l += &format!("======= {act}\n");
            let _ = lab.node(n).write("/var/log/ha-log", &l, 0o644);
        }
        match word {
            "start" => {
                for n in lab.nodes() {
                    eprintln!("{:?}", n.start());
                }
            }
            "start1" => eprintln!("{:?}", lab.node(1).start()),
            "start2" => eprintln!("{:?}", lab.node(2).start()),
            "stop" => {
                for n in lab.nodes() {
                    eprintln!("{:?}", n.stop());
                }
            }
            "sleep" => std::thread::sleep(Duration::from_millis(rest.parse().unwrap())),
            "cut" => lab.set_serial(lab::serial::Carries::Nothing).unwrap(),
            "heal" => lab.set_serial(lab::serial::Carries::All).unwrap(),
            "stuck" => lab.set_serial(lab::serial::Carries::Stuck).unwrap(),
            "pull" => lab.pull_out_serial(),
            "lay" => lab.lay_serial_cable().unwrap(),
            "1" => eprintln!(
                "{}",
                lab.node(1)
                    .run(&["sh", "-c", rest])
                    .map(|o| String::from_utf8_lossy(&o.stdout).into_owned()
                        + &String::from_utf8_lossy(&o.stderr))
                    .unwrap()
            ),
            "2" => eprintln!(
                "{}",
                lab.node(2)
                    .run(&["sh", "-c", rest])
                    .map(|o| String::from_utf8_lossy(&o.stdout).into_owned()
                        + &String::from_utf8_lossy(&o.stderr))
                    .unwrap()
            ),

            _ => panic!("{act}"),
        }
    }
    for n in [1, 2] {
        eprintln!("###### b{n} {:?}\n{}", lab.node(n).vips(), lab.node(n).log());
    }
}
