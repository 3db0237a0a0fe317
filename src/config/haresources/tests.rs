//! Expectations from configuration.md section 3.

use super::*;

fn groups(text: &str) -> Vec<(String, Vec<String>)> {
    let (groups, _) = parse(text.as_bytes());
    let words = |g: &Group| g.words.iter().map(|w| w.as_str().to_owned()).collect();
    groups.iter().map(|g| (g.node.clone(), words(g))).collect()
}

fn one(node: &str, words: &[&str]) -> (String, Vec<String>) {
    (node.to_owned(), words.iter().map(|w| (*w).to_owned()).collect())
}

#[test]
fn a_line_is_a_node_and_its_resources() {
    let text = "# comment\n\nB1   10.1.2.3/24/eth0\tR2::x::Y # why\n";
    assert_eq!(groups(text), [one("b1", &["10.1.2.3/24/eth0", "R2::x::Y"])]);
}

#[test]
fn lines_continue_and_comments_do_not_become_resources() {
    assert_eq!(groups("b1 R1 \\\n R2 # c2\n"), [one("b1", &["R1", "R2"])]);
    assert_eq!(groups("b1 W \\ # z\nb2 X\n"), [one("b1", &["W"]), one("b2", &["X"])]);
    assert_eq!(groups("b2 X # c1 \\\nb1 Y\n"), [one("b2", &["X"]), one("b1", &["Y"])]);
    assert_eq!(groups("# all \\\nb1 Y\n"), [one("b1", &["Y"])]);
    assert_eq!(groups("b1 F::/dev/x::\\\n/mnt Q\n"), [one("b1", &["F::/dev/x::/mnt", "Q"])]);
    assert_eq!(groups("b1 R1\\\n R2\n"), [one("b1", &["R1", "R2"])]);
    assert_eq!(groups("b1 R1\\\n"), [one("b1", &["R1"])]);
}

#[test]
fn carriage_returns_are_no_part_of_a_resource() {
    assert_eq!(groups("b1 R1 \\\r\n R2\r\n"), [one("b1", &["R1", "R2"])]);
}

#[test]
fn words_split_as_in_3_2() {
    let case = |text: &str, script: &str, args: &[&str]| {
        let word = Word::new(text, 1, 1);
        assert_eq!((word.script(), word.args()), (script, args.to_vec()), "{text}");
    };
    case("name", "name", &[]);
    case("name::a::b", "name", &["a", "b"]);
    case("name::", "name", &[]);
    case("name::a::::b", "name", &["a", "b"]);
    case("10.1.2.3", "IPaddr", &["10.1.2.3"]);
    case("10.1.2.3/24/eth0:1", "IPaddr", &["10.1.2.3/24/eth0:1"]);
    case("IPaddr2::10.1.2.3/24/eth0:1", "IPaddr2", &["10.1.2.3/24/eth0:1"]);
    case("10.1.2", "10.1.2", &[]);
}

#[test]
fn queries_follow_3_3() {
    let (groups, _) = parse(b"b1 K1 A::1 B\nb2 K2 C\nB1 K3\n");
    assert_eq!(keys_of(&groups, "B1"), ["K1", "K3"]);
    assert_eq!(all_keys(&groups), ["K1", "K2", "K3"]);
    assert_eq!(our_keys(&groups, "b1"), ["K1 A::1 B ", "K3 "]);
    assert_eq!(other_keys(&groups, "b1"), ["K2 C "]);
    assert_eq!(group_by_key(&groups, "A::1").map(Group::key), Some("K1"));
    assert_eq!(group_by_key(&groups, "A.*"), None);
    assert_eq!(group_by_key(&groups, "A"), None);
}

#[test]
fn a_key_wins_over_the_same_word_elsewhere_and_both_are_reported() {
    let (groups, found) = parse(b"b1 K1 R\nb2 R x\n");
    assert_eq!(group_by_key(&groups, "R").map(|g| g.line), Some(2));
    let places: Vec<_> = found.iter().map(|d| (d.is_error(), d.line, d.column)).collect();
    assert_eq!(places, [(false, 2, 4)]);
}

#[test]
fn odd_lines_are_reported_where_they_stand() {
    let places = |bytes: &[u8]| {
        let (_, found) = parse(bytes);
        found.iter().map(|d| (d.is_error(), d.line, d.column)).collect::<Vec<_>>()
    };
    assert_eq!(places(b"b1\n"), [(false, 1, 1)]);
    assert_eq!(places(b"b1 W \\ # z\n"), [(false, 1, 6)]);
    assert_eq!(places(b"b1 R\nb1 A::*.c\n"), [(false, 2, 4)]);
    assert_eq!(places(b"b1 R\x00\n"), [(true, 1, 5)]);
    assert_eq!(places(b"b1 A::\xdcber\n"), [(false, 1, 4)]);
}
