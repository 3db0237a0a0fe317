//! Runs a play as a process of a node: the daemon must see a client of its own machine.

use super::plays::PLAYS;
use crate::lab::Node;

/// The variable that names the play.
const PLAY: &str = "API_PLAY";
/// In front of each line of a transcript.
const MARK: &str = "play: ";

/// Not a test: what [`play`] runs in a node.
#[test]
#[ignore = "only as a process of a node"]
fn player() {
    let name = std::env::var(PLAY).unwrap();
    let (_, run) = PLAYS.iter().find(|(known, _)| *known == name).unwrap();
    run();
}

/// Tells what happened.
pub(super) fn tell(lines: impl IntoIterator<Item = String>) {
    lines.into_iter().for_each(|line| println!("{MARK}{line}"));
}

/// The transcript of a play on this node; `before` stands before the command, such as a change of user.
pub(super) fn play(node: &Node, name: &str, before: &[&str]) -> Vec<String> {
    let exe = std::env::current_exe().unwrap();
    let variable = format!("{PLAY}={name}");
    let mut argv = before.to_vec();
    argv.extend(["env", &variable, exe.to_str().unwrap()]);
    argv.extend(["--exact", "api_cases::player::player", "--ignored", "--nocapture", "--test-threads=1"]);
    let output = node.run(&argv).unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{name}: {text}\n{}", String::from_utf8_lossy(&output.stderr));
    text.lines().filter_map(|line| line.split_once(MARK)).map(|(_, told)| told.to_owned()).collect()
}
