//! Two of the reference's recordings in a real kernel, those where the kernel's own rules count most: ports that are
//! mapped, marks, thresholds, IPv6. Read back by the real `ipvsadm -L -n`.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::process::Command;

use heartbeat::config::Source;
use heartbeat::director::config::{self, Config, FakeMachine};
use heartbeat::director::ipvs::Ipvs;
use heartbeat::director::plan::{self, State, Step, Verdict};

use crate::Kernel;
use crate::guest::listing::rows;

const CONFIG_08: &str = include_str!("../vectors/ldirectord/scenarios/08/ldirectord.cf");
const TABLES_08: &str = include_str!("../vectors/ldirectord/scenarios/08/tables.txt");
const CONFIG_12: &str = include_str!("../vectors/ldirectord/scenarios/12/ldirectord.cf");
const TABLES_12: &str = include_str!("../vectors/ldirectord/scenarios/12/tables.txt");

struct Run<'k> {
    kernel: &'k mut Kernel,
    config: Config,
    state: State,
    down: BTreeSet<(usize, IpAddr)>,
    tables: &'static str,
}

impl Run<'_> {
    fn started<'k>(kernel: &'k mut Kernel, text: &str, tables: &'static str) -> Run<'k> {
        kernel.clear();
        let source = Source::new("ldirectord.cf", text.as_bytes(), 0o600);
        let config = config::read(&source, &FakeMachine::with_hosts(&[])).config.unwrap();
        let state = State::new(&config);
        let mut run = Run { kernel, config, state, down: BTreeSet::new(), tables };
        let table = run.kernel.netlink.table().unwrap();
        run.carry_out(plan::begin(&run.config, &run.state, &table, None));
        run.check();
        run
    }

    fn carry_out(&mut self, steps: Vec<Step>) {
        for step in steps {
            self.kernel.netlink.apply(&step.op).unwrap_or_else(|e| panic!("{}: {e}", step.op));
        }
    }

    /// Every server is checked once.
    fn check(&mut self) {
        for index in 0..self.config.virtuals.len() {
            for real in 0..self.config.virtuals[index].reals.len() {
                let place = (index, self.config.virtuals[index].reals[real].at.ip());
                let verdict = if self.down.contains(&place) { Verdict::Down } else { Verdict::Up };
                self.state.judge(&self.config, index, real, verdict);
                let table = self.kernel.netlink.table().unwrap();
                self.carry_out(plan::change(&self.config, &self.state, index, &table));
                self.state.applied(index);
            }
        }
    }

    fn fail(&mut self, index: usize, ip: &str) {
        self.down.insert((index, ip.parse().unwrap()));
        self.check();
    }

    fn recover(&mut self, index: usize, ip: &str) {
        self.down.remove(&(index, ip.parse().unwrap()));
        self.check();
    }

    fn same(&self, event: usize) {
        let head = format!("## after event {event}\n");
        let wanted = self.tables.split_once(&head).unwrap().1.split("## ").next().unwrap();
        let listed = Command::new("ipvsadm").args(["-L", "-n"]).output().unwrap().stdout;
        let listed = String::from_utf8(listed).unwrap();
        assert_eq!(rows(&listed, 6), rows(wanted, 6), "after event {event}");
    }

    fn stop(mut self, event: usize) {
        let table = self.kernel.netlink.table().unwrap();
        self.carry_out(plan::stop(&self.config, &self.state, &table));
        self.same(event);
    }
}

pub(crate) fn scenario_08(kernel: &mut Kernel) {
    let mut run = Run::started(kernel, CONFIG_08, TABLES_08);
    run.same(1);
    run.fail(0, "10.5.0.2");
    run.same(3);
    run.fail(1, "10.5.0.10");
    run.same(4);
    run.fail(1, "10.5.0.9");
    run.fail(1, "10.5.0.11");
    run.same(5);
    run.recover(1, "10.5.0.9");
    run.same(6);
    run.recover(0, "10.5.0.2");
    run.same(7);
    run.stop(8);
}

pub(crate) fn scenario_12(kernel: &mut Kernel) {
    let mut run = Run::started(kernel, CONFIG_12, TABLES_12);
    run.same(1);
    run.fail(0, "2001:db8:0:1::4");
    run.same(2);
    run.fail(0, "2001:db8:0:1::6");
    run.same(3);
    run.recover(0, "2001:db8:0:1::4");
    run.same(5);
    run.stop(6);
}
