//! postfix and dovecot.

use std::net::SocketAddr;

use crate::battery::Battery;
use crate::check::{checked, must_be_down, must_be_up, probe, runtime, wait_until_up};
use crate::place::{OPENSSL, Place, play};
use crate::strangers::{Manner, Stranger};

const POSTFIX: (&str, &str) = ("/usr/sbin/postfix", "postfix");
const POP: (&str, &str) = ("/usr/lib/dovecot/pop3", "dovecot-pop3d");
const IMAP: (&str, &str) = ("/usr/lib/dovecot/imap", "dovecot-imapd");

const MAIN: &str = "\
compatibility_level = 3.6
myhostname = news.heartbeat-rs.net
mydestination = localhost
inet_interfaces = all
inet_protocols = all
alias_maps =
alias_database =
local_recipient_maps =
maillog_file = /var/log/postfix.log
smtpd_tls_security_level = none
";

/// Port 26 lets nobody in, port 27 knows neither EHLO nor HELO of ours.
const MASTER: &str = "\
smtp inet n - n - - smtpd
submission inet n - n - - smtpd
26 inet n - n - - smtpd
  -o smtpd_client_restrictions=reject -o smtpd_delay_reject=no
27 inet n - n - - smtpd
  -o smtpd_helo_restrictions=reject -o smtpd_delay_reject=no
28 inet n - n - - smtpd
  -o smtpd_discard_ehlo_keywords=pipelining,size,etrn,8bitmime,dsn,smtputf8,chunking,enhancedstatuscodes
proxymap unix - - n - - proxymap
rewrite unix - - n - - trivial-rewrite
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
";

fn start_postfix(place: &Place) {
    place.write("/etc/postfix/main.cf", MAIN);
    place.write("/etc/postfix/master.cf", MASTER);
    place.script("rm -f /var/spool/postfix/pid/* /var/lib/postfix/master.lock");
    place.start("postfix start-fg");
}

fn here(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

#[test]
fn smtp() {
    play("mail::smtp", &[POSTFIX], |place| {
        start_postfix(place);
        wait_until_up("postfix", &probe(here(25), "service=smtp"));
        let six = "[::1]:25".parse().unwrap();
        must_be_up("IPv6", &probe(six, "service=smtp"));
        must_be_up("few words", &probe(here(28), "service=smtp"));
        let refused = checked(&probe(here(26), "service=smtp"));
        assert!(!refused.up && refused.text.starts_with("554 "), "{refused:?}");
        let unheard = checked(&probe(here(27), "service=submission"));
        assert!(!unheard.up && unheard.text.starts_with("554 "), "{unheard:?}");
        runtime().block_on(async {
            let flood = Stranger::tcp(here(0).ip(), Manner::Flood(b"220-more\r\n")).await;
            let outcome = heartbeat::director::checks::run::run(&probe(flood.at, "service=smtp")).await;
            assert!(!outcome.up, "{outcome:?}");
        });
        let (right, at) = ("service=smtp", here(25));
        Battery { place, right, wrong: &[], at, udp: false, start: &start_postfix }.run();
        let (right, at) = ("service=submission", here(587));
        Battery { place, right, wrong: &[], at, udp: false, start: &start_postfix }.run();
    });
}

/// Whoever gave wrong passwords from an address waits longer and longer, and so does the check with the right one: not
/// here, where hundreds are wrong.
const DOVECOT: &str = "\
protocols = imap pop3
listen = *, ::
base_dir = /run/dovecot
log_path = /var/log/dovecot.log
ssl = yes
ssl_cert = </mnt/s/cert.pem
ssl_key = </mnt/s/key.pem
disable_plaintext_auth = no
auth_mechanisms = plain APOP
auth_failure_delay = 0
mail_location = maildir:/mnt/s/mail/%u
first_valid_uid = 1
first_valid_gid = 1
mail_max_userip_connections = 200
service anvil {
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
service imap-login { 
  service_count = 0
}
service pop3-login { 
  service_count = 0
}
passdb { 
  driver = passwd-file
  args = scheme=PLAIN /mnt/s/users
}
userdb { 
  driver = static
  args = uid=nobody gid=nogroup home=/mnt/s/mail/%u
}
";

fn start_dovecot(place: &Place) {
    place.certificate();
    place.script("mkdir -p mail; chmod 777 mail; rm -rf /run/dovecot");
    place.write("users", "tester:{PLAIN}se \"cr\\et\nplain:{PLAIN}x\n");
    let config = place.write("dovecot.conf", DOVECOT);
    place.start(&format!("dovecot -F -c {config}"));
}

#[test]
fn pop() {
    play("mail::pop", &[POP, IMAP, OPENSSL], |place| {
        start_dovecot(place);
        let right = "service=pop\nlogin=\"plain\"\npasswd=\"x\"";
        let wrong = [
            ("a wrong password", "service=pop\nlogin=\"plain\"\npasswd=\"y\""),
            ("no such user", "service=pop\nlogin=\"nobody\"\npasswd=\"x\""),
        ];
        wait_until_up("dovecot", &probe(here(110), right));
        must_be_up("only its greeting", &probe(here(110), "service=pop"));
        must_be_up("IPv6", &probe("[::1]:110".parse().unwrap(), right));
        must_be_down("this is IMAP", &probe(here(143), right));
        Battery { place, right, wrong: &wrong, at: here(110), udp: false, start: &start_dovecot }.run();
    });
}

#[test]
fn imap() {
    play("mail::imap", &[POP, IMAP, OPENSSL], |place| {
        start_dovecot(place);
        let right = "service=imap\nlogin=\"tester\"\npasswd=\"se \"cr\\et\"";
        let wrong = [
            ("a wrong password", "service=imap\nlogin=\"tester\"\npasswd=\"se cret\""),
            ("no such user", "service=imap\nlogin=\"nobody\"\npasswd=\"x\""),
        ];
        wait_until_up("dovecot", &probe(here(143), "service=imap\nlogin=\"plain\"\npasswd=\"x\""));
        must_be_up("only its greeting", &probe(here(143), "service=imap"));
        must_be_up(
            "IPv6",
            &probe("[::1]:143".parse().unwrap(), "service=imap\nlogin=\"plain\"\npasswd=\"x\""),
        );
        must_be_down("this is POP", &probe(here(110), "service=imap"));
        Battery { place, right, wrong: &wrong, at: here(143), udp: false, start: &start_dovecot }.run();
    });
}

#[test]
fn pops() {
    play("mail::pops", &[POP, IMAP, OPENSSL], |place| {
        start_dovecot(place);
        let right = "service=pops\nlogin=\"plain\"\npasswd=\"x\"";
        let wrong = [
            ("a wrong password", "service=pops\nlogin=\"plain\"\npasswd=\"y\""),
            ("no such user", "service=pops\nlogin=\"nobody\"\npasswd=\"x\""),
        ];
        wait_until_up("dovecot", &probe(here(995), right));
        must_be_up("only its greeting", &probe(here(995), "service=pops"));
        must_be_up("IPv6", &probe("[::1]:995".parse().unwrap(), right));
        must_be_down("this is IMAP", &probe(here(993), right));
        must_be_down("this is no TLS", &probe(here(110), right));
        Battery { place, right, wrong: &wrong, at: here(995), udp: false, start: &start_dovecot }.run();
    });
}

#[test]
fn imaps() {
    play("mail::imaps", &[POP, IMAP, OPENSSL], |place| {
        start_dovecot(place);
        let right = "service=imaps\nlogin=\"plain\"\npasswd=\"x\"";
        let wrong = [
            ("a wrong password", "service=imaps\nlogin=\"plain\"\npasswd=\"y\""),
            ("no such user", "service=imaps\nlogin=\"nobody\"\npasswd=\"x\""),
        ];
        wait_until_up("dovecot", &probe(here(993), right));
        must_be_up("only its greeting", &probe(here(993), "service=imaps"));
        must_be_up("IPv6", &probe("[::1]:993".parse().unwrap(), right));
        must_be_down("this is POP", &probe(here(995), right));
        must_be_down("this is no TLS", &probe(here(143), right));
        Battery { place, right, wrong: &wrong, at: here(993), udp: false, start: &start_dovecot }.run();
    });
}
