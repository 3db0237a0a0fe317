//! The main job of heartbeat, shown to a newcomer in under a minute, without touching the machine.
//!
//! Two nodes and a client in namespaces; a web page on a virtual address; the node that serves it
//! loses its power, comes back, and stands by. What the client sees is printed as it happens. The
//! exit code is 0 only if the page was served whenever it had to be. Run it by `scripts/demo`.

#[path = "../tests/lab/mod.rs"]
mod lab;

#[path = "demo/client.rs"]
mod client;
#[path = "demo/page.rs"]
mod page;
#[path = "demo/timeline.rs"]
mod timeline;

use std::process::ExitCode;
use std::time::Duration;

use lab::{Failure, Flavour, Lab};
use timeline::Timeline;

/// The address the client asks.
const VIP: &str = "10.80.0.100";
/// Nothing here takes longer, on a slow machine either.
const LIMIT: Duration = Duration::from_secs(45);

const HA_CF: &str = "\
logfile /var/log/ha-log
keepalive 200ms
warntime 500ms
deadtime 1
initdead 5
bcast eth0
auto_failback on
node b1 b2
";
const AUTHKEYS: &str = "auth 1\n1 sha1 OnlyWeTwoKnowThis\n";
const HARESOURCES: &str = "b1 10.80.0.100/24/eth0 webpage\n";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let result = match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["client", address] => client::ask_for_ever(address),
        ["serve", name] => page::serve_for_ever(name),
        [] => show(),
        _ => Err(Failure::new("usage: demo")),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("\ndemo: {failure}");
            ExitCode::FAILURE
        }
    }
}

/// `DEMO_FLAVOUR=ref` shows the real heartbeat 3.0.6 instead, to compare.
fn flavour() -> Flavour {
    if std::env::var("DEMO_FLAVOUR").is_ok_and(|v| v == "ref") { Flavour::Reference } else { Flavour::Ours }
}

fn show() -> Result<(), Failure> {
    if let Some(reason) = flavour().unavailable() {
        return Err(Failure::new(reason));
    }
    println!(
        "Two nodes, b1 and b2, and a client on one switch: namespaces of this machine, gone at the end."
    );
    println!("Both nodes have these three files, nothing else is configured:\n");
    for (name, text) in [("ha.cf", HA_CF), ("authkeys", AUTHKEYS), ("haresources", HARESOURCES)] {
        println!("  /etc/ha.d/{name}");
        text.lines().for_each(|line| println!("      {line}"));
    }
    println!(
        "\n`webpage` is an init script that serves one page. The client asks http://{VIP}/ every 20 ms.\n"
    );

    let lab = Lab::new("demo", [flavour(); 2])?;
    for node in lab.nodes() {
        node.configure(HA_CF, AUTHKEYS, HARESOURCES)?;
        page::install(node)?;
    }
    let timeline = Timeline::begin(&lab, VIP)?;
    let result = tell(&lab, &timeline);
    if result.is_err() {
        for node in lab.nodes() {
            eprintln!("\nlog of {}:\n{}", node.name(), node.log());
        }
    }
    result
}

/// The story.
fn tell(lab: &Lab, timeline: &Timeline) -> Result<(), Failure> {
    timeline.say("both nodes start; they give each other 10 seconds to speak up");
    lab.nodes().iter().try_for_each(|node| node.start())?;
    timeline.page_from("b1", LIMIT)?;
    lab.node(2).wait_for_log("Initial resource acquisition complete", 0, LIMIT)?;

    timeline.say("b1 loses its power");
    lab.crash(1)?;
    let taken_over = timeline.page_from("b2", LIMIT)?;
    lab.node(2).wait_for_log("mach_down takeover complete", 0, LIMIT)?;

    timeline.say("b1 is back, and heartbeat starts on it");
    let mark = lab.node(2).log().len();
    lab.power_on(1)?;
    lab.node(1).start()?;
    let failed_back = timeline.page_from("b1", LIMIT)?;
    lab.node(2).wait_for_log("Other node completed standby takeover", mark, LIMIT)?;

    timeline.say("the administrator of b1 types: hb_standby all");
    lab.node(1).wait_for_log("Standby resource acquisition done", 0, LIMIT)?;
    lab.node(1).hb_standby("all")?;
    let handed_over = timeline.page_from("b2", LIMIT)?;
    timeline.say("done");

    println!(
        "\nProved: http://{VIP}/ outlived the death of b1 (back after {taken_over} ms), went home when b1 returned \
         ({failed_back} ms away) and moved on request ({handed_over} ms away)."
    );
    Ok(())
}
