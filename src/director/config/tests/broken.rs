//! What is said about broken files: all at once, each with its place, and no password.

use super::*;

fn places(text: &str) -> Vec<(usize, usize)> {
    let checked = checked(text);
    assert!(checked.config.is_none(), "accepted: {text}");
    checked.diagnostics.iter().filter(|d| d.is_error()).map(|d| (d.line, d.column)).collect()
}

#[test]
fn every_error_is_told_in_the_order_of_the_file() {
    let text = "quiescent=maybe\nfallback=nosuch:80\nvirtual=10.0.0.1:nosuch\n\treal=10.0.0.2:99999 gate\n\
                \treal=10.0.0.2:80 walk\n\tservice=gopher\n\tfoo=bar\n\n\treal=10.0.0.3:80 gate\n\
                virtual=10.0.0.2:80\n\treceive=\"a(b\"\n\tfallback=127.0.0.1:80 walk\nvirtual=10.0.0.2:80\n\treal=vip masq\n";
    let wanted =
        [(1, 11), (2, 10), (3, 18), (4, 16), (5, 19), (6, 10), (7, 2), (9, 2), (11, 13), (12, 24), (13, 1)];
    assert_eq!(places(text), wanted);
}

#[test]
fn a_mistake_hides_no_other() {
    let text = "virtual=10.0.0.1\n\tfallback=nosuch:80 walk\n\treal=nosuch:80 masq\n\treal=10.0.0.9->10.0.0.2 gate\n";
    assert_eq!(places(text), [(1, 9), (2, 11), (2, 21), (3, 7), (4, 17)]);
    let text = "virtual=10.0.0.1:80\n\treal=nosuch:80 walk\n\treal=nosuch:80 masq 9999999999 \"a\", \"b(\" u:9999999999 x\n";
    assert_eq!(places(text), [(2, 7), (2, 17), (3, 7), (3, 22), (3, 40), (3, 45), (3, 56)]);
}

#[test]
fn a_diagnostic_shows_place_line_and_remedy() {
    let checked = checked("virtual=10.0.0.1:80\n\treal=10.0.0.2:80 walk 3\n");
    let shown = checked.diagnostics.first().map(ToString::to_string).unwrap_or_default();
    let lines: Vec<&str> = shown.lines().map(str::trim).collect();
    assert_eq!(lines.first(), Some(&"ldirectord.cf:2:19: error: \"walk\" is no way to forward"));
    assert!(lines.contains(&"2 |  real=10.0.0.2:80 walk 3"), "{shown}");
    assert!(lines.contains(&"|                   ^^^^"), "{shown}");
    assert_eq!(lines.last(), Some(&"= allowed: gate, masq or ipip"));
}

#[test]
fn an_expression_is_refused_where_it_is_wrong() {
    // columns: receive begins behind \treceive="
    for (expression, column, length) in [
        ("a(*FAIL)", 12, 7),
        ("ab(?R)", 13, 4),
        ("x(?{ die })", 12, 10),
        ("a[bc", 12, 1),
        ("a)", 12, 1),
        ("(a", 12, 1),
        ("a\\Qb", 12, 2),
        ("[[:foo:]]", 12, 2),
        ("a\\3", 12, 2),
        ("\\x{263A}", 11, 8),
    ] {
        let text = format!("virtual=10.0.0.1:80\n\treal=10.0.0.2:80 gate\n\treceive=\"{expression}\"\n");
        let checked = checked(&text);
        let told: Vec<_> = checked.diagnostics.iter().filter(|d| d.is_error()).collect();
        let mark = told.first().and_then(|d| d.cited.as_ref()).map(|c| c.mark.len());
        let places: Vec<_> = told.iter().map(|d| (d.line, d.column)).collect();
        assert_eq!((places, mark), (vec![(3, column)], Some(length)), "{expression}: {told:#?}");
    }
}

#[test]
fn what_has_no_effect_is_told() {
    let told = |lines: &str| {
        let text = format!("virtual=10.0.0.1:80\n\treal=10.0.0.2:80 gate\n{lines}");
        let checked = checked(&text);
        assert!(checked.config.is_some(), "{lines}");
        checked.diagnostics.len()
    };
    assert_eq!(told(""), 0);
    for lines in [
        "\tnetmask=255.255.255.0\n",
        "\tops=yes\n",
        "\tpersistent=0\n",
        "\tpersistent=0\n\tnetmask=255.255.255.0\n",
        "\nvirtual=10.0.0.1:0\n\treal=10.0.0.2:80 gate\n",
        "\tschedflags=sh-port\n",
        "execute=ldirectord.cf\n",
        "execute=\"ldirectord.cf\"\n",
        "execute=b.cf\nexecute=c.cf\nexecute=b.cf\n",
        "\tscheduler=fastest\n",
        "\tservice=\"http\"\n",
        "\tprotocol=tcp;\n",
        "\tchecktype=\"ping\" x\n",
        "\tcheckport=80x\n",
        "\tchecktimeout=5s\n",
        "\treceive=\"HTTP/1.1 200 OK\"\n",
        "\treceive=\"OK\"\n\thttpmethod=HEAD\n",
        "\tservice=dns\n",
        "\tservice=mysql\n",
        "\tload=\"x\"\n",
        "\trequest=\"a\" b\n",
        "\treal=10.0.0.3:80 gate l:5\n",
        "\tchecktype=connect\nvirtual=7\n\treal=10.0.0.2 gate\n\tchecktype=connect\n",
        "virtual=10.0.0.9:80\n",
        "\treal=10.0.0.2:80 gate 3\n",
        "\treal=10.0.0.2 gate 3\n",
        "\treal=10.0.0.5->10.0.0.9:80 masq\n\treal=10.0.0.3->10.0.0.8:80 masq\n",
        "virtual=10.0.0.9:80#web\n\treal=10.0.0.2:80 gate\n",
        "virtual=10.0.0.9:80, 443\n\treal=10.0.0.2:80 gate\n",
        "virtual=vip:80/24 # web\n\treal=10.0.0.2:80 gate\n",
        "virtual6=[2001:db8::5]:80/64\n\treal6=vip6:80 gate\n",
    ] {
        assert_eq!(told(lines), 1, "{lines}");
    }
}

#[test]
fn no_password_is_shown() {
    for text in [
        "virtual=10.0.0.1:80\n\tpasswd=TopSecret\n",
        "virtual=10.0.0.1:80\n\tsecret=\"TopSecret\n",
        "virtual=10.0.0.1:80\n\tpasswd \"TopSecret\"\n",
        "passwd=\"TopSecret\"\n",
        "  secret=\"TopSecret\"\n",
        "virtual=10.0.0.1:80\n\tpasswd=\"a\" TopSecret\n",
        "virtual=10.0.0.1:80\n\tpasswd=\"TopSecret\"\n\tsecret=\"TopSecret\"\n\tfoo=1\n",
    ] {
        let checked = checked(text);
        assert!(!checked.diagnostics.is_empty());
        let shown: Vec<String> = checked.diagnostics.iter().map(|d| format!("{d}{d:?}")).collect();
        assert!(!format!("{shown:?}{:?}", checked.config).contains("TopSecret"), "{shown:#?}");
    }
    let kept = service("\treal=10.0.0.2:80 gate\n\tpasswd=\"TopSecret\"\n");
    assert!(!format!("{kept:?}").contains("TopSecret"));
    assert_eq!(kept.check.passwd.expose(), "TopSecret");
}
