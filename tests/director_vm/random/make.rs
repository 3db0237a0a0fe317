//! Random configurations, and random changes of them.
//!
//! Left out is only what section 15 of the specification wants to be otherwise than in the reference: a global fallback
//! for a mark (9), a fallback that is a server too (8), http over IPv6, for which the reference dies (5), servers that
//! the reference leaves at weight 0 (`without_mapped`) or as they were (`without_moved`), and news from a machine that does not
//! answer, which it awaits without limit (7; `events`).

use fastrand::Rng;

use super::setup::{Id, MACHINES, NEWS, PORTS, Real, Setup, Virtual};

fn one_of<T: Copy>(rng: &mut Rng, all: &[T]) -> T {
    all[rng.usize(..all.len())]
}

fn yes_no(rng: &mut Rng) -> String {
    one_of(rng, &["yes", "no"]).to_owned()
}

/// In so many of a hundred cases.
fn percent(rng: &mut Rng, chance: u32) -> bool {
    rng.u32(..100) < chance
}

pub(crate) fn setup(rng: &mut Rng) -> Setup {
    let mut virtuals: Vec<Virtual> = Vec::new();
    for _ in 0..rng.usize(1..=3) {
        another(rng, &mut virtuals);
    }
    let mut setup = Setup { global: global(rng), virtuals };
    if percent(rng, 30) && setup.virtuals.iter().all(|v| !v.id.marked() || v.word("fallback").is_some()) {
        setup.global.push(("fallback", format!("127.0.0.1{}", one_of(rng, &["", ":80", " masq", " gate"]))));
        setup.global.push(("fallback6", "[::1]".to_owned()));
    }
    without_mapped(&mut setup);
    setup
}

/// A server that is quiesced, and whose port the kernel's tool has replaced by that of the service, never gets its weight back
/// from the reference: it is added, in vain, as it is looked for at its own port (docs/compatibility.md).
pub(crate) fn without_mapped(setup: &mut Setup) {
    let all = setup.is("quiescent", "yes");
    for service in &mut setup.virtuals {
        let quiesces = service.word("quiescent").map_or(all, |word| word == "yes");
        let Some(own) = service.id.port().filter(|_| quiesces) else { continue };
        for real in service.reals.iter_mut().filter(|real| real.port != Some(own)) {
            real.method = "masq";
        }
    }
}

/// A server by masquerading on another port than its service's is in the table at its own. When it is to be reached otherwise
/// the reference edits it in vain: the kernel's tool looks for it at the service's port. It goes on by masquerading.
pub(crate) fn without_moved(before: &Setup, setup: &mut Setup) {
    for service in &mut setup.virtuals {
        let (id, Some(own)) = (service.id, service.id.port()) else { continue };
        let olds = before.virtuals.iter().filter(|v| v.id == id).flat_map(|v| &v.reals);
        let olds: Vec<&Real> = olds.filter(|old| old.method == "masq" && old.port != Some(own)).collect();
        for real in &mut service.reals {
            let was =
                |old: &&Real| old.port == real.port && real.machines().any(|m| old.machines().contains(&m));
            if olds.iter().any(was) {
                real.method = "masq";
            }
        }
    }
}

fn global(rng: &mut Rng) -> Vec<(&'static str, String)> {
    let mut global = vec![("checkinterval", "1".to_owned()), ("checktimeout", "2".to_owned())];
    let mut sometimes = |rng: &mut Rng, chance, name, value: String| {
        if percent(rng, chance) {
            global.push((name, value));
        }
    };
    let (quiescent, readd) = (yes_no(rng), yes_no(rng));
    sometimes(rng, 60, "quiescent", quiescent);
    sometimes(rng, 60, "readdquiescent", readd);
    sometimes(rng, 40, "autoreload", "yes".to_owned());
    sometimes(rng, 15, "fork", "yes".to_owned());
    sometimes(rng, 20, "cleanstop", "no".to_owned());
    sometimes(rng, 30, "failurecount", "2".to_owned());
    sometimes(rng, 40, "maintenancedir", "/etc/ha.d/maint".to_owned());
    global
}

/// Another virtual service that is not there yet.
pub(crate) fn another(rng: &mut Rng, virtuals: &mut Vec<Virtual>) {
    let ids = [
        Id::Tcp(80),
        Id::Tcp(81),
        Id::Tcp(8080),
        Id::Udp(53),
        Id::Udp(69),
        Id::Mark(7),
        Id::Tcp6(80),
        Id::Mark6(9),
    ];
    let id = one_of(rng, &ids);
    if virtuals.iter().all(|v| v.id != id) {
        let service = virtual_service(rng, id);
        virtuals.push(service);
    }
}

fn virtual_service(rng: &mut Rng, id: Id) -> Virtual {
    let mut made = Virtual { id, reals: Vec::new(), words: Vec::new() };
    if matches!(id, Id::Udp(_)) {
        made.set("protocol", "udp");
    }
    check(rng, &mut made);
    spread(rng, &mut made);
    fallback(rng, &mut made);
    for (chance, name) in [(30, "quiescent"), (20, "cleanstop")] {
        if percent(rng, chance) {
            made.set(name, yes_no(rng));
        }
    }
    for _ in 0..rng.usize(1..=4) {
        server(rng, &mut made);
    }
    made
}

/// How the servers are checked; what is asked of them depends on what they serve.
fn check(rng: &mut Rng, made: &mut Virtual) {
    let kinds: &[&str] = match made.id {
        Id::Tcp(_) => &[
            "http",
            "http",
            "http",
            "head",
            "2",
            "connect",
            "ping",
            "external",
            "external-perl",
            "on",
            "off",
            "none",
            "news",
        ],
        Id::Udp(_) => &["connect", "ping", "external", "external-perl", "on", "off", "none"],
        Id::Mark(_) => &["http", "http", "2", "connect", "ping", "external", "on", "off", "none", "news"],
        Id::Tcp6(_) | Id::Mark6(_) => &["news", "news", "connect", "external", "on", "off", "none"],
    };
    let kind = one_of(rng, kinds);
    match kind {
        "http" | "head" | "2" => {
            made.set("service", "http");
            if kind == "2" {
                made.set("checktype", 2);
            }
            http(rng, made, kind == "head");
        }
        "news" => {
            made.set("service", "nntp");
            made.set("checkport", NEWS);
        }
        "none" => made.set("service", "none"),
        _ => made.set("checktype", kind),
    }
    if kind.starts_with("external") {
        made.set("checkcommand", format!("/etc/ha.d/{kind}"));
    }
    if made.id.marked() && ["http", "2", "connect"].contains(&kind) {
        made.set("checkport", one_of(rng, &PORTS));
    }
}

fn http(rng: &mut Rng, made: &mut Virtual, head: bool) {
    if head {
        made.set("httpmethod", "HEAD");
    } else {
        made.set("receive", one_of(rng, &["\"OK\"", "\"(?i)ok\"", "\"^[A-Z]+ all\"", "\"\\bOK\\b\""]));
    }
    made.set("request", one_of(rng, &["\"index.html\"", "\"/a b?c=d\"", "\"/\""]));
    if percent(rng, 40) {
        made.set("virtualhost", one_of(rng, &["www.example.com", "\"some.domain\""]));
    }
}

/// Scheduler, persistence and what belongs to them.
pub(crate) fn spread(rng: &mut Rng, made: &mut Virtual) {
    for name in ["scheduler", "schedflags", "persistent", "netmask", "ops"] {
        made.unset(name);
    }
    let schedulers = ["rr", "wrr", "lc", "wlc", "lblc", "lblcr", "dh", "sh", "sed", "nq", "fo", "ovf", "mh"];
    let scheduler = one_of(rng, &schedulers);
    if percent(rng, 80) {
        made.set("scheduler", scheduler);
        if ["sh", "mh"].contains(&scheduler) && percent(rng, 50) {
            made.set("schedflags", format!("{scheduler}-{}", one_of(rng, &["port", "fallback"])));
        }
    }
    if percent(rng, 30) {
        made.set("persistent", one_of(rng, &[1, 60, 300, 3600]));
        if percent(rng, 50) {
            let mask = if made.id.six() { one_of(rng, &["64", "128"]) } else { "255.255.255.0" };
            made.set("netmask", mask);
        }
    } else if matches!(made.id, Id::Udp(_)) && percent(rng, 40) {
        made.set("ops", "yes");
    }
}

fn fallback(rng: &mut Rng, made: &mut Virtual) {
    if !percent(rng, 60) {
        return;
    }
    let port = if made.id.marked() { "" } else { one_of(rng, &["", ":80", ":81"]) };
    let method = one_of(rng, &["", " gate", " masq", " ipip"]);
    match made.id.six() {
        true => made.set("fallback6", format!("[::1]{}{method}", if made.id.marked() { "" } else { ":80" })),
        false => made.set("fallback", format!("127.0.0.1{port}{method}")),
    }
}

/// A server more, on a machine that has none for this service yet.
pub(crate) fn server(rng: &mut Rng, made: &mut Virtual) {
    let taken = |m: usize| made.reals.iter().any(|real| real.machines().contains(&m));
    let machine = rng.usize(..MACHINES);
    if taken(machine) {
        return;
    }
    let range = !made.id.six() && machine + 1 < MACHINES && !taken(machine + 1) && percent(rng, 15);
    let port = match made.id.port() {
        None => None,
        Some(own) if made.word("service").is_none() && percent(rng, 20) => Some(own),
        Some(_) => Some(one_of(rng, &PORTS)),
    };
    let web = made.word("receive").is_some();
    let real = Real {
        machine,
        last: range.then_some(machine + 1),
        port,
        method: one_of(rng, &["gate", "masq", "ipip"]),
        weight: percent(rng, 50).then(|| rng.u32(0..=5)),
        limits: percent(rng, 15).then(|| (rng.u32(1..50), rng.u32(50..200))),
        own: (web && percent(rng, 15)).then_some(("other.html", "all")),
    };
    made.reals.push(real);
}

/// What an administrator may do to a file; what has changed, in words.
pub(crate) fn change(rng: &mut Rng, setup: &mut Setup) -> String {
    let at = rng.usize(..setup.virtuals.len());
    let many = setup.virtuals.len() > 1;
    let service = &mut setup.virtuals[at];
    let id = service.id;
    let which = rng.usize(..service.reals.len().max(1));
    match rng.u32(..9) {
        0 => {
            another(rng, &mut setup.virtuals);
            "another virtual service".to_owned()
        }
        1 if many => {
            setup.virtuals.remove(at);
            format!("without {id:?}")
        }
        2 | 3 => {
            server(rng, service);
            format!("a server more in {id:?}")
        }
        4 if service.reals.len() > 1 => {
            service.reals.remove(which);
            format!("a server fewer in {id:?}")
        }
        5 if !service.reals.is_empty() => {
            service.reals[which].weight = Some(rng.u32(0..=9));
            format!("another weight in {id:?}")
        }
        6 if !service.reals.is_empty() => {
            service.reals[which].method = one_of(rng, &["gate", "masq", "ipip"]);
            service.reals[which].limits = percent(rng, 50).then(|| (rng.u32(1..50), rng.u32(50..200)));
            format!("another method and other limits in {id:?}")
        }
        7 => {
            service.set("quiescent", yes_no(rng));
            format!("quiescent in {id:?}")
        }
        _ => {
            spread(rng, service);
            format!("{id:?} spreads otherwise")
        }
    }
}
