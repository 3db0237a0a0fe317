//! The files in `ha.d-examples/` are accepted as they stand, without a word to say about them.

use super::*;
use crate::config::{Interface, Medium};

macro_rules! example {
    ($setup:literal, $file:literal) => {
        include_str!(concat!("../../../ha.d-examples/", $setup, "/", $file))
    };
}

fn host(name: &str) -> FakeHost {
    let mut host = FakeHost {
        node_name: name.to_owned(),
        ..FakeHost::usual()
    };
    let eth1 = Interface {
        ipv4: Some([10, 0, 0, 1].into()),
        broadcast: Some([10, 0, 0, 255].into()),
    };
    host.interfaces.insert("eth1".to_owned(), eth1);
    host
}

fn clean(name: &str, ha_cf: &str, authkeys: &str, haresources: &str) -> crate::config::Config {
    let checked = check(&sources(ha_cf, authkeys, haresources), &host(name));
    let shown: Vec<String> = checked
        .diagnostics
        .iter()
        .map(ToString::to_string)
        .collect();
    assert!(shown.is_empty(), "{}", shown.join("\n"));
    checked.config.expect("nothing refuses it")
}

#[test]
fn two_web_servers_share_an_address() {
    for node in ["web1", "web2"] {
        let config = clean(
            node,
            example!("web-pair", "ha.cf"),
            example!("web-pair", "authkeys"),
            example!("web-pair", "haresources"),
        );
        assert_eq!(
            config.groups.iter().map(|g| g.words.len()).sum::<usize>(),
            2
        );
    }
}

#[test]
fn two_directors_share_virtual_services() {
    for node in ["lvs1", "lvs2"] {
        let config = clean(
            node,
            example!("lvs-directors", "ha.cf"),
            example!("lvs-directors", "authkeys"),
            example!("lvs-directors", "haresources"),
        );
        assert!(
            config
                .media
                .iter()
                .any(|m| matches!(m, Medium::PingGroup { .. }))
        );
    }
}

#[test]
fn two_database_servers_share_a_disk() {
    for node in ["db1", "db2"] {
        let config = clean(
            node,
            example!("mysql-pair", "ha.cf"),
            example!("mysql-pair", "authkeys"),
            example!("mysql-pair", "haresources"),
        );
        assert_eq!(config.groups.len(), 1);
    }
}
