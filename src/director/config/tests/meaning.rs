//! What accepted files mean. The facts are those of ldirectord.md.

use std::net::SocketAddr;
use std::time::Duration;

use super::*;
use crate::director::table::{Family, Forward, Netmask, Protocol, SchedFlags, ServiceId};

fn at(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

#[test]
fn defaults_follow_section_19() {
    let made = service("\treal=10.0.0.2:80 gate\n");
    assert_eq!(made.id, ServiceId::address(Protocol::Tcp, at("10.0.0.1:80")));
    assert_eq!((made.kernel.scheduler.as_str(), made.kernel.persistence), ("wrr", None));
    assert!(!made.quiescent && made.clean_stop && made.fallback.is_none());
    let check = &made.check;
    assert_eq!(
        (check.kind, check.service, check.request.as_str()),
        (CheckKind::Negotiate, Service::Http, "/")
    );
    assert_eq!(
        (check.timeout, check.negotiate_timeout, check.interval),
        (seconds(5), seconds(30), seconds(10))
    );
    assert_eq!((check.count, check.failure_count, check.command.as_str()), (1, 1, "/bin/true"));
    assert_eq!((made.alert.states, made.alert.to.len()), (AlertStates::ALL, 0));
    let global = config("").global;
    assert_eq!(global.log, Log::File("/var/log/ldirectord.log".to_owned()));
    assert!(!global.autoreload && !global.fork && !global.readd_quiescent && !global.supervised);
}

#[test]
fn timeouts_are_inherited_as_in_4_5() {
    let times = |global: &str, own: &str| {
        let text = format!("{global}virtual=10.0.0.1:80\n\treal=10.0.0.2:80 gate\n{own}");
        let check = config(&text).virtuals.remove(0).check;
        (check.timeout.as_secs(), check.negotiate_timeout.as_secs())
    };
    assert_eq!(times("checktimeout=7\n", ""), (7, 7));
    assert_eq!(times("negotiatetimeout=8\n", ""), (8, 8));
    assert_eq!(times("checktimeout=7\nnegotiatetimeout=8\n", ""), (7, 8));
    assert_eq!(times("checktimeout=7\nnegotiatetimeout=8\n", "\tchecktimeout=2\n"), (2, 2));
    assert_eq!(times("checktimeout=7\nnegotiatetimeout=8\n", "\tnegotiatetimeout=3\n"), (3, 3));
}

#[test]
fn global_directives_hold_for_services_above_them_too() {
    let text =
        "virtual=10.0.0.1:80\n\treal=10.0.0.2:80 gate\n\nquiescent=yes\ncleanstop=no\nfailurecount=4\n";
    let made = config(text).virtuals.remove(0);
    assert!(made.quiescent && !made.clean_stop);
    assert_eq!(made.check.failure_count, 4);
}

#[test]
fn real_servers_follow_5_2() {
    let lines =
        "\treal=10.0.0.3->10.0.0.5:81 masq 7 \"alt.html\", \"spec.al\" u:100 l:50\n\treal=sql01 ipip\n";
    let made = service(lines);
    let addresses: Vec<String> = made.reals.iter().map(|r| r.at.to_string()).collect();
    assert_eq!(addresses, ["10.0.0.3:81", "10.0.0.4:81", "10.0.0.5:81", "10.9.9.10:0"]);
    let first = &made.reals[0];
    assert_eq!((first.forward, first.weight, first.lower, first.upper), (Forward::Masq, 7, 50, 100));
    assert_eq!(made.request(first), "/alt.html");
    assert_eq!(made.receive(first).map(Pattern::source), Some("spec.al"));
    assert_eq!((made.check_port(first), made.check_port(&made.reals[3])), (81, 80));
    assert_eq!(made.key(first.at, first.forward), at("10.0.0.3:81"));
    assert_eq!(
        made.key(made.reals[3].at, made.reals[3].forward),
        at("10.9.9.10:80"),
        "gate and ipip map no port"
    );
}

#[test]
fn a_weight_is_whatever_the_kernel_takes() {
    let made = service("\treal=10.0.0.2:80 masq 100000\n\treal=10.0.0.3:80 masq 2147483647\n");
    assert_eq!(made.reals.iter().map(|real| real.weight).collect::<Vec<_>>(), [100_000, 2_147_483_647]);
    let beyond = "virtual=10.0.0.1:80\n\treal=10.0.0.2:80 masq 2147483648\n";
    assert!(checked(beyond).config.is_none());
}

/// The reference was read: both are the server's own, or both the service's.
#[test]
fn a_request_of_its_own_may_take_any_answer() {
    let made =
        service("\treal=10.0.0.2:80 gate 1 \"/alive\", \"\"\n\treal=10.0.0.3:80 gate\n\treceive=\"OK\"\n");
    let received = |n: usize| made.receive(&made.reals[n]).map(Pattern::source);
    assert_eq!([received(0), received(1)], [None, Some("OK")]);
    assert!(made.check_identity(&made.reals[0]).ends_with(":gate:\\/alive:"));
}

/// Both go as far as they can, the request first.
#[test]
fn quotes_may_stand_in_a_request() {
    let pair = |pair: &str| {
        let made = service(&format!("\treal=10.0.0.2:80 gate 1 {pair}\n"));
        let real = made.reals.first().unwrap();
        (made.request(real).to_owned(), made.receive(real).map(|p| p.source().to_owned()).unwrap_or_default())
    };
    for (text, request, receive) in [
        (r#""a", "b"c""#, "/a", r#"b"c"#),
        (r#""a","b","c""#, r#"/a","b"#, "c"),
        (r#""a" "b"  "c""#, r#"/a" "b"#, "c"),
        (r#""a"b", "c""#, r#"/a"b"#, "c"),
        (r#""a", "b", ""#, "/a", r#"b", "#),
        (r#""","","""#, r#"/",""#, ""),
    ] {
        assert_eq!(pair(text), (request.to_owned(), receive.to_owned()), "{text}");
    }
}

#[test]
fn a_range_may_cross_a_power_of_ten() {
    // As text, 999999999 is above 1000000000: the reference has no server here.
    let made = service("\treal=59.154.201.254->59.154.202.1:80 gate\n");
    assert_eq!(made.reals.len(), 4);
}

#[test]
fn fallbacks_take_the_port_of_the_service() {
    let made = service("\treal=10.0.0.2:81 masq\n\tfallback=127.0.0.1 masq\n");
    assert_eq!(made.fallback, Some(Fallback { at: at("127.0.0.1:80"), forward: Forward::Masq }));
    let text = "fallback=127.0.0.1\nfallback6=[::1]\nvirtual=7\n\treal=10.0.0.2 gate\nvirtual6=[2001:db8::5]:119\n\
                \treal6=[2001:db8::6] gate\n";
    let made = config(text).virtuals;
    let fallback = |at| Some(Fallback { at, forward: Forward::Route });
    assert_eq!(made[0].fallback, fallback(at("127.0.0.1:0")), "the reference has no address here");
    assert_eq!(made[1].fallback, fallback(at("[::1]:119")));
}

#[test]
fn the_last_part_of_a_name_may_be_a_number() {
    let text = "virtual=web.1:80\n\treal=web.1 gate\nvirtual6=web.1:80\n\treal6=web.1 gate\n";
    let made = config(text).virtuals;
    assert_eq!(made[0].id, ServiceId::address(Protocol::Tcp, at("10.9.9.13:80")));
    assert_eq!(made[1].id, ServiceId::address(Protocol::Tcp, at("[2001:db8::13]:80")));
}

#[test]
fn a_part_of_a_netmask_may_be_nothing_but_zeros() {
    let mask = |text: &str| {
        let lines = format!("virtual=10.0.0.1:80\n\treal=10.0.0.2 gate\n\tpersistent=9\n\tnetmask={text}\n");
        checked(&lines).config?.virtuals.remove(0).kernel.persistence.map(|p| p.netmask)
    };
    assert_eq!(mask("255.255.00.000"), Some(Netmask::V4([255, 255, 0, 0].into())));
    assert_eq!(mask("255.255.255.064"), None, "octal to the reference's tool");
}

#[test]
fn marks_and_ipv6() {
    let text = "virtual=7\n\treal=10.0.0.2 gate\n\tpersistent=600\n\tnetmask=255.255.255.0\n\
                virtual6=9\n\treal6=vip6 gate\n\tprotocol=fwm\n\tpersistent=60\n";
    let made = config(text).virtuals;
    assert_eq!(made[0].id, ServiceId::Mark { mark: 7, family: Family::V4 });
    assert_eq!(made[1].id, ServiceId::Mark { mark: 9, family: Family::V6 });
    assert_eq!(made[0].check.service, Service::None);
    let masks: Vec<_> = made.iter().filter_map(|v| v.kernel.persistence).map(|p| p.netmask).collect();
    assert_eq!(masks, [Netmask::V4([255, 255, 255, 0].into()), Netmask::V6(128)]);
    assert_eq!(made[1].reals[0].at, at("[2001:db8::9]:0"));
}

#[test]
fn port_53_means_udp_only_as_it_is_written() {
    let protocol =
        |port: &str| config(&format!("virtual=10.0.0.1:{port}\n\treal=10.0.0.2 gate\n")).virtuals[0].id;
    assert_eq!(protocol("53"), ServiceId::address(Protocol::Udp, at("10.0.0.1:53")));
    assert_eq!(protocol("domain"), ServiceId::address(Protocol::Udp, at("10.0.0.1:53")));
    assert_eq!(protocol("53#dns"), ServiceId::address(Protocol::Udp, at("10.0.0.1:53")));
    assert_eq!(protocol("053"), ServiceId::address(Protocol::Tcp, at("10.0.0.1:53")));
}

#[test]
fn kinds_of_checks() {
    let kind = |text: &str| service(&format!("\treal=10.0.0.2:80 gate\n\tchecktype={text}\n")).check.kind;
    assert_eq!(kind("external-perl"), CheckKind::ExternalPerl);
    assert_eq!(kind("5"), CheckKind::Combined(5));
    assert_eq!(kind("-3"), CheckKind::Combined(3));
    assert_eq!(kind("foo3"), CheckKind::Combined(3));
    assert_eq!(kind("on # always"), CheckKind::On);
}

#[test]
fn logins_have_defaults_only_where_the_service_is_named() {
    let login = |lines: &str| {
        let check = service(&format!("\treal=10.0.0.2:80 gate\n{lines}")).check;
        (check.login, check.passwd.expose().to_owned())
    };
    let own = "ldirectord@director1".to_owned();
    assert_eq!(login("\tservice=ftp\n"), ("anonymous".to_owned(), own.clone()));
    assert_eq!(login("\tservice=sip\n"), (own, String::new()));
    assert_eq!(login("\tservice=imap\n"), (String::new(), String::new()));
    let by_port = config("virtual=10.0.0.1:21\n\treal=10.0.0.2:21 masq\n").virtuals.remove(0);
    assert_eq!((by_port.check.service, by_port.check.login.as_str()), (Service::Ftp, ""));
}

#[test]
fn a_check_is_known_by_what_3_3_says() {
    let lines = "\treal=10.7.0.1:80 gate 2\n\treceive=\"O.K\"\n\tcheckport=81\n\tvirtualhost=\"w.x\"\n";
    let made = service(lines);
    let identity = made.check_identity(&made.reals[0]);
    assert_eq!(identity, "negotiate:http:tcp:10.7.0.1:80:w.x:81:2:gate:\\/:O\\.K");
    let made = service("\treal=10.7.0.1:80 gate\n\tchecktype=external\n\tcheckcommand=/x/check\n");
    assert_eq!(made.check_identity(&made.reals[0]), "external:/x/check:tcp:10.7.0.1:80:::1:gate:\\/:");
}

#[test]
fn schedulers_and_their_flags() {
    let made = service("\treal=10.0.0.2:80 gate\n\tscheduler=sh # x\n\tschedflags=sh-fallback,sh-port\n");
    assert_eq!((made.kernel.scheduler.as_str(), made.kernel.flags), ("sh", SchedFlags(3)));
    let made = service("\treal=10.0.0.2:80 gate\n\tschedflags=sh-port\n\tops=yes\n\tprotocol=udp\n");
    assert_eq!((made.kernel.flags, made.kernel.one_packet), (SchedFlags(0), true), "wrr has no such flag");
}

/// The reference looks for the first word, wherever it stands.
#[test]
fn words_may_have_something_around_them() {
    let lines = "\treal=10.0.0.2:53 gate\n\tservice=\"https\";\n\tprotocol=\"udp\"\n\tchecktype=\"connect\"\n\
                 \thttpmethod=\"HEAD\"\n\tscheduler=\"sh\"\n\tschedflags=\"sh-port,sh-fallback\"\n";
    let made = service(lines);
    assert_eq!(made.id, ServiceId::address(Protocol::Udp, at("10.0.0.1:80")));
    let check = &made.check;
    assert_eq!(
        (check.service, check.kind, check.method),
        (Service::Https, CheckKind::Connect, HttpMethod::Head)
    );
    assert_eq!((made.kernel.scheduler.as_str(), made.kernel.flags), ("sh", SchedFlags(3)));
    assert_eq!(service("\treal=10.0.0.2:80 gate\n\tservice=http;\n").check.service, Service::Http);
    assert_eq!(
        service("\treal=10.0.0.2:80 gate\n\tchecktype=\"external-perl\"\n").check.kind,
        CheckKind::ExternalPerl
    );
}

#[test]
fn mails_and_other_texts() {
    let text = "emailalert=\"a@b, c@d\"\nemailalertfrom=x <y@z>\nemailalertstatus=running, stopping\n\
                smtp=mail.x.y\nexecute=b.cf\nexecute=c.cf\nexecute=b.cf\nvirtual=10.0.0.1:80\n\tservicename=Web Site\n\tcomment=call me # now\n\
                \treal=10.0.0.2:80 gate\n\temailalertfreq=7\n\tmonitorfile=\"/var/log/mon\"\n\
                \tfallbackcommand=\"/x/fb.sh a\"\n\trequest=\"a\tb\" c\n";
    let Config { global, mut virtuals } = config(text);
    assert_eq!(global.execute, ["b.cf", "c.cf"]);
    assert_eq!(global.email_from.as_deref(), Some("x <y@z>"));
    let made = virtuals.remove(0);
    assert_eq!(made.alert.to, ["a@b", "c@d"]);
    assert_eq!((made.alert.every, made.alert.smtp.as_deref()), (seconds(7), Some("mail.x.y")));
    assert!(made.alert.states.running && made.alert.states.stopping && !made.alert.states.starting);
    assert_eq!(made.service_name.as_deref(), Some("Web Site"));
    assert_eq!(made.comment.as_deref(), Some("call me"));
    assert_eq!(made.monitor_file.as_deref(), Some("/var/log/mon"));
    assert_eq!(made.fallback_command.as_deref(), Some("/x/fb.sh a"));
    assert_eq!(made.check.request, "/a    b", "a tab is four blanks");
}

#[test]
fn a_pace_of_its_own_needs_fork() {
    let interval = |fork: &str| {
        let text = format!(
            "checkinterval=5\n{fork}virtual=10.0.0.1:80\n\treal=10.0.0.2:80 gate\n\tcheckinterval=2\n"
        );
        config(&text).virtuals[0].check.interval
    };
    assert_eq!((interval(""), interval("fork=yes\n")), (seconds(5), seconds(2)));
}
