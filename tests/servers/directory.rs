//! slapd, with TLS and without.

use std::net::SocketAddr;

use crate::battery::Battery;
use crate::check::{must_be_down, must_be_up, probe, wait_until_up};
use crate::place::{OPENSSL, Place, play};

const SLAPD: (&str, &str) = ("/usr/sbin/slapd", "slapd");

const CONFIG: &str = r#"
include /etc/ldap/schema/core.schema
modulepath /usr/lib/ldap
moduleload back_mdb
TLSCertificateFile /mnt/s/cert.pem
TLSCertificateKeyFile /mnt/s/key.pem
database mdb
maxsize 10485760
suffix "dc=example,dc=org"
directory /mnt/s/ldap
access to dn.base="cn=hidden,dc=example,dc=org" attrs=userPassword by anonymous auth
access to dn.base="cn=hidden,dc=example,dc=org" by users read by * none
access to attrs=userPassword by anonymous auth
access to * by * read
"#;

const ENTRIES: &str = "\
dn: dc=example,dc=org
objectClass: dcObject
objectClass: organization
o: Example
dc: example

dn: cn=hidden,dc=example,dc=org
objectClass: person
cn: hidden
sn: Hidden
userPassword: se cret

dn: ou=Big,dc=example,dc=org
objectClass: organizationalUnit
ou: Big
";

fn start(place: &Place) {
    place.certificate();
    let config = place.write("slapd.conf", CONFIG);
    let big: String = (0..2000).map(|n| format!("description: {n:060}\n")).collect();
    place.write("base.ldif", &format!("{ENTRIES}{big}"));
    place.script(
        "rm -rf ldap; mkdir ldap; slapadd -q -f slapd.conf -l base.ldif; chown -R openldap ldap; chgrp openldap key.pem",
    );
    place.start(&format!("slapd -f {config} -u openldap -g openldap -h 'ldap:/// ldaps:///' -d none"));
}

const USER: &str = "login=\"cn=hidden,dc=example,dc=org\"\npasswd=\"se cret\"";

#[test]
fn ldap() {
    play("directory::ldap", &[SLAPD, OPENSSL], |place| {
        start(place);
        story(place, "ldap", 389);
        must_be_down("TLS is spoken here", &probe(here(636), "service=ldap\nrequest=\"dc=example,dc=org\""));
    });
}

#[test]
fn ldaps() {
    play("directory::ldaps", &[SLAPD, OPENSSL], |place| {
        start(place);
        story(place, "ldaps", 636);
        must_be_down("no TLS here", &probe(here(389), "service=ldaps\nrequest=\"dc=example,dc=org\""));
    });
}

fn here(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

fn story(place: &Place, service: &str, port: u16) {
    let lines = |rest: &str| format!("service={service}\n{rest}");
    let check = |rest: &str| probe(here(port), &lines(rest));
    wait_until_up("slapd", &check("request=\"dc=example,dc=org\""));
    let hidden = "request=\"cn=hidden,dc=example,dc=org\"";
    for (what, rest) in [
        ("its name", "request=\"dc=example,dc=org\"\nreceive=\"^dc=example,dc=org$\"".to_owned()),
        ("in capitals", "request=\"DC=Example,DC=org\"\nreceive=\"(?i)dc=example\"".to_owned()),
        ("a large entry", "request=\"ou=Big,dc=example,dc=org\"\nreceive=\"^ou=Big\"".to_owned()),
        ("the server itself", String::new()),
        ("only for users", format!("{hidden}\n{USER}")),
    ] {
        must_be_up(what, &check(&rest));
    }
    for (what, rest) in [
        ("not for everybody", hidden.to_owned()),
        ("a login without a password", format!("{hidden}\nlogin=\"cn=hidden,dc=example,dc=org\"")),
        ("no name", "request=\"hello\"".to_owned()),
        ("not ours", "request=\"dc=example,dc=net\"".to_owned()),
    ] {
        must_be_down(what, &check(&rest));
    }
    must_be_up(
        "IPv6",
        &probe(SocketAddr::from(([0, 0, 0, 0, 0, 0, 0, 1], port)), &lines(&format!("{hidden}\n{USER}"))),
    );
    let right = lines(&format!("{hidden}\n{USER}\nreceive=\"hidden\""));
    let wrong = [
        ("no such entry", lines("request=\"cn=nobody,dc=example,dc=org\"")),
        ("a wrong password", lines(&format!("{hidden}\n{}", USER.replace("se cret", "secret")))),
        ("another name", lines("request=\"dc=example,dc=org\"\nreceive=\"dc=net\"")),
    ];
    let wrong: Vec<_> = wrong.iter().map(|(what, lines)| (*what, lines.as_str())).collect();
    Battery { place, right: &right, wrong: &wrong, at: here(port), udp: false, start: &start }.run();
}
