//! Clients of one name on two nodes, one of ours and one of 3.0.6: each hears the other, and of the other.

use super::player::{play, tell};
use super::raw::{Raw, here, message, shown};
use super::*;

#[test]
fn clients_of_two_nodes_meet() {
    if missing(&[Flavour::Reference]) {
        return;
    }
    let lab = Lab::new("pair", [Flavour::Ours, Flavour::Reference]).unwrap();
    for node in lab.nodes() {
        configure(node, "b1 b2");
        node.start().unwrap();
    }
    are_up(&lab);
    let told: Vec<_> = std::thread::scope(|scope| {
        let both = lab.nodes().iter().map(|node| scope.spawn(|| play(node, "meet", &[])));
        let both: Vec<_> = both.collect();
        both.into_iter().map(|one| one.join().unwrap()).collect()
    });
    assert_eq!(told[0], told[1]);
    assert!(told[0].iter().any(|line| line.contains("cs=online")), "{told:?}");
    assert!(told[0].iter().any(|line| line.contains("cs=offline")), "{told:?}");
}

/// Greets the other, answers its greeting, asks for it and for somebody who is not there; then waits until
/// the other has done the same.
pub(super) fn meet() {
    let own = here();
    let other = if own == "b1" { "b2" } else { "b1" };
    let mut raw = Raw::signed_on("tester");
    let greeting = message(&format!("t=hello dest={other}"));
    raw.send(&greeting);
    let mut answers = Vec::new();
    let (mut greeted, mut goodbye) = (false, false);
    while !goodbye || answers.len() < 3 || !greeted {
        let came = raw.next().unwrap();
        if came.text("src") != Some(other) {
            continue;
        }
        match came.kind().unwrap() {
            // it was not there when it was greeted
            "hbapi-clstat" if came.text("st") == Some("join") => raw.send(&greeting),
            "hello" if !greeted => {
                greeted = true;
                raw.send(&message(&format!("t=hello-back dest={other}")));
            }
            "hello-back" if answers.is_empty() => {
                answers.push(shown(&came));
                raw.ask(&format!("reqtype=clientstatus node={other} cn=tester from_id=tester"));
            }
            "respond-cstatus" => {
                answers.push(shown(&came));
                match answers.len() {
                    2 => raw.ask(&format!("reqtype=clientstatus node={other} cn=nobody from_id=tester")),
                    _ => raw.send(&message(&format!("t=goodbye dest={other}"))),
                }
            }
            "goodbye" => goodbye = true,
            _ => {}
        }
    }
    tell(answers);
}
