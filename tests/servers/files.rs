//! vsftpd: as anybody, and as a user with a password.

use crate::battery::Battery;
use crate::check::{must_be_down, must_be_up, probe, wait_until_up};
use crate::place::{Place, play};

const VSFTPD: (&str, &str) = ("/usr/sbin/vsftpd", "vsftpd");

const CONFIG: &str = "\
listen=NO
listen_ipv6=YES
background=NO
anonymous_enable=YES
local_enable=YES
anon_root=/mnt/s/ftp
secure_chroot_dir=/mnt/s/empty
pam_service_name=vsftpd
xferlog_enable=NO
";

fn start(place: &Place) {
    place.write("ftp/welcome.msg", "this is a test\n");
    place.write("ftp/a b", "a blank in the name\n");
    place.write("ftp/deep/er/file", "deep\n");
    place.write("ftp/nothing", "");
    place.write("ftp/large", &("begin\n".to_owned() + &"0123456789\n".repeat(300_000)));
    place.script(
        "mkdir -p empty home
         id tester >/dev/null 2>&1 || useradd -M -d /mnt/s/home -s /bin/sh -p \"$(openssl passwd -6 'se cret')\" tester
         echo 'my own file' >home/own",
    );
    let config = place.write("vsftpd.conf", CONFIG);
    place.start(&format!("vsftpd {config}"));
}

#[test]
fn ftp() {
    play("files::ftp", &[VSFTPD], |place| {
        start(place);
        let here = "127.0.0.1:21".parse().unwrap();
        let check = |lines: &str| probe(here, &format!("service=ftp\n{lines}"));
        wait_until_up("vsftpd", &check(""));
        let user = "login=\"tester\"\npasswd=\"se cret\"";
        for (what, lines) in [
            ("as anybody", "request=\"welcome.msg\"\nreceive=\"^this is a test$\"".to_owned()),
            ("by its whole path", "request=\"/welcome.msg\"\nreceive=\"test\"".to_owned()),
            ("a blank in the name", "request=\"a b\"\nreceive=\"blank\"".to_owned()),
            ("further down", "request=\"deep/er/file\"\nreceive=\"deep\"".to_owned()),
            ("a large one", "request=\"large\"\nreceive=\"^begin\"".to_owned()),
            ("as a user", format!("request=\"mnt/s/home/own\"\nreceive=\"own\"\n{user}")),
        ] {
            must_be_up(what, &check(&lines));
        }
        must_be_down("an empty file", &check("request=\"nothing\"\nreceive=\"x\""));
        must_be_down("a directory", &check("request=\"deep\"\nreceive=\"er\""));
        let right = "service=ftp\nrequest=\"welcome.msg\"\nreceive=\"a test\"";
        let wrong = [
            ("another text", "service=ftp\nrequest=\"welcome.msg\"\nreceive=\"no test\""),
            ("no such file", "service=ftp\nrequest=\"missing\"\nreceive=\"test\""),
            (
                "a wrong password",
                "service=ftp\nrequest=\"welcome.msg\"\nreceive=\"test\"\nlogin=\"tester\"\npasswd=\"secret\"",
            ),
        ];
        Battery { place, right, wrong: &wrong, at: here, udp: false, start: &start }.run();
        let six = "[::1]:21".parse().unwrap();
        must_be_up("IPv6", &probe(six, right));
        must_be_down("IPv6, no such file", &probe(six, wrong[1].1));
    });
}
