//! Any configuration, any state of the servers, any table.

use std::net::{Ipv4Addr, SocketAddr};

use proptest::prelude::*;

use super::*;
use crate::director::table::{Dest, Entry, Forward, Protocol, Service, ServiceId};

/// Addresses are few, so that things meet.
fn address() -> impl Strategy<Value = SocketAddr> {
    (1u8..4, prop::sample::select(vec![80u16, 80, 8080]))
        .prop_map(|(n, port)| (Ipv4Addr::new(10, 0, 0, n), port).into())
}

fn forward() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["gate", "masq", "ipip"])
}

fn yes_no() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["yes", "no"])
}

fn virtual_service() -> impl Strategy<Value = String> {
    let real =
        (address(), forward(), 0u32..3).prop_map(|(at, way, weight)| format!("\treal={at} {way} {weight}\n"));
    let fallback = prop::option::of((address(), forward()));
    let fallback =
        fallback.prop_map(|f| f.map(|(at, way)| format!("\tfallback={at} {way}\n")).unwrap_or_default());
    let scheduler = prop::sample::select(vec!["rr", "wlc"]);
    (prop::collection::vec(real, 0..4), fallback, yes_no(), yes_no(), scheduler).prop_map(
        |(reals, fallback, quiescent, clean, scheduler)| {
            let options = format!("\tquiescent={quiescent}\n\tcleanstop={clean}\n\tscheduler={scheduler}\n");
            format!("{}{fallback}{options}", reals.concat())
        },
    )
}

fn file() -> impl Strategy<Value = String> {
    let ids = ["10.0.0.100:80", "10.0.0.101:80", "7"];
    (prop::collection::vec(virtual_service(), 1..4), yes_no()).prop_map(move |(services, readd)| {
        let services = services.iter().zip(ids).map(|(text, id)| format!("virtual={id}\n{text}"));
        format!("readdquiescent={readd}\n{}", services.collect::<String>())
    })
}

/// A table with services of ours and of others.
fn table() -> impl Strategy<Value = Table> {
    let way = prop::sample::select(vec![Forward::Masq, Forward::Route, Forward::Tunnel]);
    let dest = (way, 0u32..3, 0u32..2).prop_map(|(forward, weight, upper)| Dest {
        forward,
        weight,
        upper,
        ..Dest::default()
    });
    let entry = (prop::collection::btree_map(address(), dest, 0..4), prop::sample::select(vec!["rr", "wlc"]))
        .prop_map(|(dests, name)| Entry {
            service: Service { scheduler: name.to_owned(), ..Service::default() },
            dests,
            ..Entry::default()
        });
    let ids = ["10.0.0.100:80", "10.0.0.101:80", "10.0.0.102:80"];
    prop::collection::btree_map(prop::sample::select(ids.to_vec()), entry, 0..4).prop_map(|entries| {
        let id = |text: &str| ServiceId::address(Protocol::Tcp, text.parse().unwrap());
        Table { entries: entries.into_iter().map(|(text, entry)| (id(text), entry)).collect() }
    })
}

fn health() -> impl Strategy<Value = Health> {
    prop::sample::select(vec![Health::Unknown, Health::Up, Health::Down])
}

/// Every server of the state gets one of these.
fn state(config: &Config, healths: &[Health], settled: bool) -> State {
    let mut state = State::new(config);
    let mut healths = healths.iter().cycle();
    for watched in &mut state.virtuals {
        watched.settled = settled;
        for server in &mut watched.servers {
            server.health = *healths.next().unwrap();
            server.unplaced = server.health == Health::Down;
        }
    }
    state
}

fn serving(table: &Table, id: &ServiceId) -> bool {
    table.get(id).is_some_and(|entry| entry.dests.values().any(|dest| dest.weight > 0))
}

/// How many rows differ: a service that goes takes its rows along.
fn difference(before: &Table, after: &Table) -> usize {
    let none = Entry::default();
    let one = |id: &ServiceId| {
        let (old, new) = (before.get(id), after.get(id));
        if new.is_none() {
            return usize::from(old.is_some());
        }
        let service = usize::from(old.map(|e| &e.service) != new.map(|e| &e.service));
        let (old, new) = (&old.unwrap_or(&none).dests, &new.unwrap_or(&none).dests);
        let keys: BTreeSet<_> = old.keys().chain(new.keys()).collect();
        service + keys.into_iter().filter(|key| old.get(*key) != new.get(*key)).count()
    };
    let ids: BTreeSet<_> = before.entries.keys().chain(after.entries.keys()).collect();
    ids.into_iter().map(one).sum()
}

/// Carries the steps out one after the other; never leaves a service without a server that had one and will have
/// one, but where the reference does too: between the last server that is down and the fallback.
fn carry_out(before: &Table, steps: &[Step]) -> Table {
    let mut table = before.clone();
    let mut after = before.clone();
    for step in steps {
        after.apply(&step.op).unwrap();
    }
    for step in steps {
        table.apply(&step.op).unwrap();
        let id = step.op.service();
        let gap = serving(before, id) && serving(&after, id) && !serving(&table, id);
        let fallback_next = || {
            let rest = steps.iter().flat_map(|step| &step.events);
            rest.filter(|event| event.service == *id)
                .any(|event| matches!(event.server, Some((Subject::Fallback, _))))
        };
        assert!(!gap || fallback_next(), "{step:?} leaves nobody: {steps:#?}");
    }
    table
}

/// What must hold of a service, said in another way than the plan says it.
fn check_service(virt: &Virtual, watched: &Watched, after: &Table) {
    let entry = after.get(&virt.id).expect("the service is there");
    assert_eq!(entry.service, virt.kernel);
    let servers: Vec<_> = virt.reals.iter().zip(&watched.servers).collect();
    let last_up = |key: &SocketAddr| {
        let at = |real: &config::Real| virt.key(real.at, real.forward) == *key;
        servers.iter().rfind(|(real, server)| at(real) && server.health == Health::Up && real.weight > 0)
    };
    for (real, _) in servers.iter().filter(|(real, server)| server.health == Health::Up && real.weight > 0) {
        let key = virt.key(real.at, real.forward);
        let last = last_up(&key).unwrap().0;
        let dest = entry.dests.get(&key).expect("a server that is up is there");
        assert!(last.dest().is_met_by(dest), "{dest:?}");
    }
    let nobody_up = servers.iter().all(|(_, server)| server.health != Health::Up);
    let all_known = servers.iter().all(|(_, server)| server.health != Health::Unknown);
    if let Some(fallback) = &virt.fallback {
        let key = virt.key(fallback.at, fallback.forward);
        if nobody_up && (all_known || watched.settled) {
            assert!(fallback.dest().is_met_by(entry.dests.get(&key).expect("the fallback serves")));
        }
    }
    for (key, dest) in &entry.dests {
        let ours = |real: &config::Real| virt.key(real.at, real.forward) == *key;
        let named = servers.iter().any(|(real, _)| ours(real));
        let fallback = virt.fallback.as_ref().is_some_and(|f| virt.key(f.at, f.forward) == *key);
        let decided = watched.fallback_on().is_some();
        assert!(named || fallback || !decided, "a stranger stayed: {key}");
        let down = servers.iter().filter(|(real, _)| ours(real)).all(|(_, s)| s.health == Health::Down);
        if named && down && !(fallback && nobody_up) {
            assert!(virt.quiescent, "a server that is down stayed: {key}");
            assert_eq!(dest.weight, 0);
        }
        if !named && fallback {
            assert!(nobody_up, "the fallback stayed: {key}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(5000))]

    #[test]
    fn the_table_becomes_what_is_wanted(
        text in file(),
        before in table(),
        healths in prop::collection::vec(health(), 1..12),
        settled in any::<bool>(),
    ) {
        let config = config(&text).unwrap();
        let state = state(&config, &healths, settled);
        let steps = begin(&config, &state, &before, None);
        let after = carry_out(&before, &steps);
        for (virt, watched) in config.virtuals.iter().zip(&state.virtuals) {
            check_service(virt, watched, &after);
        }
        for (id, entry) in before.entries.iter().filter(|(id, _)| !config.virtuals.iter().any(|v| v.id == **id)) {
            prop_assert_eq!(after.get(id), Some(entry), "a service of others was touched");
        }
        prop_assert_eq!(steps.len(), difference(&before, &after), "{:#?}", steps);
        prop_assert_eq!(begin(&config, &state, &after, None), vec![]);
        prop_assert_eq!(correct(&config, &state, &after), vec![]);
        for index in 0..config.virtuals.len() {
            prop_assert_eq!(change(&config, &state, index, &after), vec![]);
        }
    }

    #[test]
    fn at_the_end_only_what_may_stay_stays(text in file(), before in table(), healths in prop::collection::vec(health(), 1..12)) {
        let config = config(&text).unwrap();
        let state = state(&config, &healths, true);
        let after = carry_out(&before, &stop(&config, &state, &before));
        for (id, entry) in &before.entries {
            let leaves = config.virtuals.iter().any(|v| v.id == *id && v.clean_stop);
            prop_assert_eq!(after.get(id), (!leaves).then_some(entry));
        }
    }

    #[test]
    fn a_reload_leads_where_a_start_leads(
        old in file(),
        new in file(),
        healths in prop::collection::vec(health(), 1..12),
    ) {
        let (old, new) = (config(&old).unwrap(), config(&new).unwrap());
        let before = state(&old, &healths, true);
        let table = carry_out(&Table::default(), &begin(&old, &before, &Table::default(), None));
        let mut carried = State::carried(&new, &old, &before);
        carried.settle();
        let table = carry_out(&table, &begin(&new, &carried, &table, Some(&old)));
        // with every server checked, nothing is left of the old configuration
        for index in 0..new.virtuals.len() {
            for real in 0..new.virtuals[index].reals.len() {
                let known = carried.virtuals[index].servers[real].health;
                let verdict = if known == Health::Up { Verdict::Up } else { Verdict::Down };
                carried.judge(&new, index, real, verdict);
            }
        }
        let table = carry_out(&table, &begin(&new, &carried, &table, None));
        let fresh = carry_out(&Table::default(), &begin(&new, &carried, &Table::default(), None));
        for virt in &new.virtuals {
            let (kept, fresh) = (table.get(&virt.id).unwrap(), fresh.get(&virt.id).unwrap());
            prop_assert_eq!(&kept.service, &fresh.service);
            for (key, dest) in &fresh.dests {
                prop_assert!(kept.dests.get(key).is_some_and(|there| dest.is_met_by(there)), "{} {:?}", key, kept);
            }
            prop_assert!(kept.dests.keys().all(|key| fresh.dests.contains_key(key)), "{:?} {:?}", kept, fresh);
        }
        for id in table.entries.keys() {
            prop_assert!(new.virtuals.iter().any(|v| v.id == *id), "left behind: {}", id);
        }
    }
}
