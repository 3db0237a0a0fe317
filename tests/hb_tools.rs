//! hb_addnode, hb_delnode, hb_setweight and hb_setsite beside the scripts of 3.0.6: what they print, and
//! what they write into the FIFO.

#![allow(clippy::unwrap_used, reason = "in a test program a panic is a failure that points at its line")]

mod lab;

use lab::{Flavour, Lab, Node, missing};

const TOOLS: [&str; 4] = ["hb_addnode", "hb_delnode", "hb_setweight", "hb_setsite"];
const ARGUMENTS: [&str; 14] = [
    "",
    "--help",
    "-h",
    "x",
    "x y",
    "x y z",
    "-- x",
    "x --help",
    "''",
    "'' ''",
    "'' x",
    "'a b' c",
    "b1 100 ''",
    "'x=y' '('",
];

/// Every tool with every list of arguments, and what came through a FIFO that somebody reads.
fn transcript(node: &Node) -> Vec<String> {
    let mut script = String::from(
        "cd /run; fifo=/var/lib/heartbeat/fifo; rm -f $fifo; mkfifo -m 600 $fifo\n\
         exec 3<>$fifo\n",
    );
    for tool in TOOLS {
        for arguments in ARGUMENTS {
            // the mark comes after whatever the tool wrote
            script += &format!(
                "/usr/share/heartbeat/{tool} {arguments} >out 2>err </dev/null; code=$?; echo END >$fifo\n\
                 printf '\\036'; echo {tool} \"{arguments}: $code\"; sed 's/^/out: /' out; sed 's/^/err: /' err\n\
                 while read -r line <&3 && [ \"$line\" != END ]; do echo \"fifo: $line\"; done\n"
            );
        }
    }
    node.write("/run/cases", &script, 0o644).unwrap();
    let text = node.must(&["sh", "/run/cases"]).unwrap();
    text.split('\u{1e}').skip(1).map(str::to_owned).collect()
}

#[test]
fn they_print_and_send_what_the_scripts_do() {
    if missing(&[Flavour::Reference]) {
        return;
    }
    let lab = Lab::new("hb-tools", [Flavour::Ours, Flavour::Reference]).unwrap();
    let (ours, theirs) = (transcript(lab.node(1)), transcript(lab.node(2)));
    assert_eq!(theirs.len(), TOOLS.len() * ARGUMENTS.len());
    assert_eq!(theirs.iter().filter(|case| case.contains("fifo: >>>")).count() % 4, 0);
    assert!(theirs.iter().any(|case| case.contains("fifo: nodelist=x y z\n")));
    for (ours, theirs) in std::iter::zip(&ours, &theirs) {
        assert_eq!(ours, theirs);
    }
}

#[test]
fn without_a_daemon_they_fail_and_do_not_wait() {
    let lab = Lab::new("hb-tools-alone", [Flavour::Ours; 2]).unwrap();
    let node = lab.node(1);
    for prepare in ["rm -f", "mkfifo -m 600", "echo text >"] {
        node.must(&["sh", "-c", &format!("{prepare} /var/lib/heartbeat/fifo")]).unwrap();
        let file = || {
            node.must(&[
                "sh",
                "-c",
                "test -p /var/lib/heartbeat/fifo || cat /var/lib/heartbeat/fifo 2>&1 || true",
            ])
            .unwrap()
        };
        let before = file();
        for tool in TOOLS {
            let said =
                node.run(&["timeout", "60", &format!("/usr/share/heartbeat/{tool}"), "b3", "1"]).unwrap();
            assert_eq!(said.status.code(), Some(1), "{prepare} {tool} {said:?}");
        }
        assert_eq!(file(), before, "{prepare}");
        node.must(&["rm", "-f", "/var/lib/heartbeat/fifo"]).unwrap();
    }
}
