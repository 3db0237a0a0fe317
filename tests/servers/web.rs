//! nginx, by itself and behind tinyproxy.

use std::net::SocketAddr;

use crate::battery::Battery;
use crate::check::{checked, must_be_down, must_be_up, probe, wait_until_up};
use crate::place::{HOME, OPENSSL, Place, play};

pub(crate) const NGINX: (&str, &str) = ("/usr/sbin/nginx", "nginx-light");
const TINYPROXY: (&str, &str) = ("/usr/bin/tinyproxy", "tinyproxy-bin");

const CONFIG: &str = r#"
user www-data;
pid /run/nginx.pid;
error_log /mnt/s/nginx.log;
events { worker_connections 1024; }
http {
    access_log off;
    root /mnt/s/www;
    server {
        listen 80;
        listen [::]:80;
        server_name _;
        location /again { return 302 /again; }
        location /moved { return 301 /index.html; }
        location /relative/ { return 307 ../index.html; absolute_redirect off; }
        location /named { return 302 http://named.example.org/index.html; }
        location /empty { return 204; }
        location /broken { return 500 "all is well"; }
        location /busy { return 503; }
        location /made { ssi on; ssi_types text/plain; }
        location /secret { auth_basic x; auth_basic_user_file /dev/null; }
        location /hangs_up { return 444; }
    }
    server {
        listen 80;
        listen [::]:80;
        server_name named.example.org;
        return 200 "this is named";
    }
}
"#;

/// The same by TLS, and what else there is of it.
const TLS: &str = r#"
user www-data;
pid /run/nginx.pid;
error_log /mnt/s/nginx.log;
events { worker_connections 1024; }
http {
    access_log off;
    root /mnt/s/www;
    ssl_certificate cert.pem;
    ssl_certificate_key key.pem;
    server {
        listen 443 ssl;
        listen [::]:443 ssl;
        server_name _;
        ssl_protocols TLSv1.2 TLSv1.3;
        location /moved { return 301 https://localhost/index.html; }
        location /plain { return 302 http://localhost/; }
        location /broken { return 500 "all is well"; }
    }
    server {
        listen 443 ssl;
        server_name named.example.org;
        return 200 "this is named";
    }
    server {
        listen 1442 ssl;
        ssl_protocols TLSv1.2;
    }
    server {
        listen 1443 ssl;
        ssl_protocols TLSv1.3;
    }
    server {
        listen 1444 ssl;
        ssl_protocols TLSv1.2;
        ssl_ciphers DHE-RSA-AES128-GCM-SHA256;
        ssl_certificate rsa.pem;
        ssl_certificate_key rsa-key.pem;
    }
    server {
        listen 1445 ssl;
        ssl_certificate rsa.pem;
        ssl_certificate_key rsa-key.pem;
    }
    server {
        listen 1446 ssl;
        ssl_verify_client on;
        ssl_client_certificate cert.pem;
    }
    server {
        listen 80;
        return 200 "without";
    }
}
"#;

fn start(place: &Place) {
    start_with(place, CONFIG);
}

fn start_tls(place: &Place) {
    place.certificate();
    place.script(
        "test -e rsa.pem || openssl req -x509 -newkey rsa:2048 -nodes -keyout rsa-key.pem -out rsa.pem -days 2 -subj /CN=x",
    );
    start_with(place, TLS);
}

fn start_with(place: &Place, config: &str) {
    place.write("www/index.html", "<html>\n<b>all is well</b>\n</html>\n");
    place.write("www/a b.html", "a page with a blank\n");
    place.write("www/made.txt", "made: <!--# echo var=\"host\" -->\n");
    place.write("www/nothing.html", "");
    place.write("www/large.txt", &("begin\n".to_owned() + &"0123456789\n".repeat(300_000)));
    place.write("www/late.txt", &("0123456789\n".repeat(300_000) + "end\n"));
    nginx(place, config);
}

pub(crate) fn nginx(place: &Place, config: &str) {
    let config = place.write("nginx.conf", config);
    place.start(&format!("nginx -p {HOME} -c {config} -g 'daemon off;'"));
}

fn at(place: &str, port: u16) -> SocketAddr {
    SocketAddr::new(place.parse().unwrap(), port)
}

#[test]
fn http() {
    play("web::http", &[NGINX], |place| {
        start(place);
        let here = at("127.0.0.1", 80);
        wait_until_up("nginx", &probe(here, "service=http"));
        pages(here);
        pages(at("::1", 80));
        let right = "service=http\nrequest=\"index.html\"\nreceive=\"<b>all is well</b>\"";
        let wrong = [
            ("another page", "service=http\nrequest=\"index.html\"\nreceive=\"all is lost\""),
            ("no such page", "service=http\nrequest=\"missing.html\""),
            ("an error with the right text", "service=http\nrequest=\"broken\"\nreceive=\"all is well\""),
        ];
        Battery { place, right, wrong: &wrong, at: here, udp: false, start: &start }.run();
        let six = at("::1", 80);
        Battery { place, right, wrong: &wrong, at: six, udp: false, start: &start }.run();
    });
}

/// What nginx can make of an answer.
fn pages(at: SocketAddr) {
    let check = |lines: &str| probe(at, &format!("service=http\n{lines}"));
    for (what, lines) in [
        ("the default", ""),
        ("only the head", "httpmethod=HEAD\nrequest=\"index.html\""),
        ("a blank in the name", "request=\"a b.html\"\nreceive=\"a blank$\""),
        ("by name", "virtualhost=\"named.example.org\"\nreceive=\"^this is named$\""),
        ("a redirection", "request=\"moved\"\nreceive=\"well\""),
        ("a relative one", "request=\"relative/\"\nreceive=\"well\""),
        ("no content", "request=\"empty\""),
        ("an empty page", "request=\"nothing.html\""),
        ("in chunks", "request=\"made.txt\"\nreceive=\"^made: \\S+\\n$\""),
        ("the first of a large page", "request=\"large.txt\"\nreceive=\"^begin\""),
    ] {
        must_be_up(what, &check(lines));
    }
    for (what, lines) in [
        ("the head has no text", "httpmethod=HEAD\nreceive=\"well\""),
        ("not by that name", "receive=\"this is named\""),
        ("in a circle", "request=\"again\""),
        ("an empty page matches nothing", "request=\"nothing.html\"\nreceive=\"x\""),
        ("no content matches nothing", "request=\"empty\"\nreceive=\"x\""),
        ("not today", "request=\"busy\""),
        ("not without a password", "request=\"secret\""),
        ("closed without an answer", "request=\"hangs_up\""),
        ("a redirection to nowhere", "request=\"named\""),
        ("what is behind the first MiB is not read", "request=\"late.txt\"\nreceive=\"end\""),
    ] {
        must_be_down(what, &check(lines));
    }
    assert_eq!(checked(&check("request=\"missing\"")).text, "404 Not Found");
}

fn start_proxy(place: &Place) {
    start(place);
    let config = "Port 8888\nTimeout 60\nUser nobody\nGroup nogroup\nMaxClients 100\nLogLevel Critical\n";
    let config = place.write("tinyproxy.conf", config);
    place.start(&format!("tinyproxy -d -c {config}"));
}

#[test]
fn http_proxy() {
    play("web::http_proxy", &[NGINX, TINYPROXY], |place| {
        start_proxy(place);
        let at = at("127.0.0.1", 8888);
        let right = "service=http_proxy\nrequest=\"http://localhost/index.html\"\nreceive=\"all is well\"";
        let wrong = [
            ("another page", "service=http_proxy\nrequest=\"http://localhost/index.html\"\nreceive=\"lost\""),
            ("no such page", "service=http_proxy\nrequest=\"http://localhost/missing\""),
            ("nobody behind the proxy", "service=http_proxy\nrequest=\"http://127.0.0.1:81/\""),
            ("no such host", "service=http_proxy\nrequest=\"http://nobody.example.org/\""),
        ];
        Battery { place, right, wrong: &wrong, at, udp: false, start: &start_proxy }.run();
    });
}

#[test]
fn https() {
    play("web::https", &[NGINX, OPENSSL], |place| {
        start_tls(place);
        let here = at("127.0.0.1", 443);
        wait_until_up("nginx", &probe(here, "service=https"));
        for (what, port, lines) in [
            ("TLS 1.2", 1442, ""),
            ("TLS 1.3", 1443, ""),
            ("an RSA key", 1445, ""),
            ("by name", 443, "virtualhost=\"named.example.org\"\nreceive=\"^this is named$\""),
            ("a redirection", 443, "request=\"moved\"\nreceive=\"well\""),
            ("a redirection to http", 443, "request=\"plain\"\nreceive=\"without\""),
            ("a large page", 443, "request=\"large.txt\"\nreceive=\"^begin\""),
        ] {
            must_be_up(what, &probe(at("127.0.0.1", port), &format!("service=https\n{lines}")));
        }
        for (what, port, lines) in [
            ("not by that name", 443, "receive=\"this is named\""),
            ("no cipher in common", 1444, ""),
            ("it wants our certificate", 1446, ""),
            ("no TLS", 80, ""),
        ] {
            must_be_down(what, &probe(at("127.0.0.1", port), &format!("service=https\n{lines}")));
        }
        must_be_down("TLS, not asked for it", &probe(here, "service=http"));
        must_be_up("IPv6", &probe(at("::1", 443), "service=https\nreceive=\"well\""));
        let right = "service=https\nrequest=\"index.html\"\nreceive=\"<b>all is well</b>\"";
        let wrong = [
            ("another page", "service=https\nrequest=\"index.html\"\nreceive=\"all is lost\""),
            ("no such page", "service=https\nrequest=\"missing.html\""),
            ("an error with the right text", "service=https\nrequest=\"broken\"\nreceive=\"all is well\""),
        ];
        Battery { place, right, wrong: &wrong, at: here, udp: false, start: &start_tls }.run();
    });
}
