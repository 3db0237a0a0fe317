//! What happens to the cluster, and what the client sees of it.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::env;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::client::Client;
use crate::cluster::{Cluster, Director, GATE, IPIP, MASQ, PERSISTENT};
use crate::director::Program;
use crate::lab::{Failure, Node, bail, wait_until};

/// Everything comes to pass within this; the machine may be busy.
const PATIENCE: Duration = Duration::from_secs(90);
/// Every way to forward, and who serves it.
const WAYS: [(&str, &str, [&str; 2]); 3] =
    [("gate", GATE, ["rs1", "rs2"]), ("masq", MASQ, ["rs3", "rs4"]), ("ipip", IPIP, ["rs1", "rs2"])];
pub(crate) fn all() -> Result<(), Failure> {
    let program = match env::var("DIRECTOR_PROGRAMS").as_deref() {
        Ok("reference") => Program::Reference,
        _ => Program::Ours,
    };
    // the namespaces of the laboratory get its devices
    Command::new("modprobe").args(["-a", "ip_vs", "ipip"]).status()?;
    let cluster = Cluster::new(program)?;
    let client = Client(cluster.lab.client());
    Story { client, cluster: &cluster, program, begin: Instant::now(), strangers: Cell::new(20) }.run()
}

struct Story<'c> {
    cluster: &'c Cluster,
    client: Client<'c>,
    program: Program,
    begin: Instant,
    /// The first of some addresses of the client; each of them is a client of its own.
    strangers: Cell<u8>,
}

impl Story<'_> {
    fn run(&self) -> Result<(), Failure> {
        let only = env::var("LVS_PART").ok();
        let wanted = |part: &str| only.as_deref().is_none_or(|only| only == part);
        if wanted("tutorials") {
            self.as_the_tutorials_have_it()?;
        }
        if wanted("loaded") {
            self.with_a_loaded_standby(Director::Last)?;
            self.with_a_loaded_standby(Director::First)?;
        }
        if wanted("both") {
            self.with_directors_on_both()?;
        }
        Ok(())
    }

    fn clients(&self) -> Vec<String> {
        (0..8).map(|n| format!("10.80.0.{}", self.strangers.get() + n)).collect()
    }

    /// Clients that no director has ever heard of.
    fn strangers_come(&self) -> Result<(), Failure> {
        self.strangers.set(self.strangers.get() + 10);
        let add = |client: &String| format!("ip addr add {client}/24 dev eth0\n");
        let script: String = self.clients().iter().map(add).collect();
        self.cluster.lab.client().script(&[], &script).map(drop)
    }

    /// heartbeat starts and stops the director, as in the tutorials.
    fn as_the_tutorials_have_it(&self) -> Result<(), Failure> {
        let (b1, b2) = (self.cluster.lab.node(1), self.cluster.lab.node(2));
        self.cluster.configure(Director::Last)?;
        self.cluster.lab.nodes().iter().try_for_each(Node::start)?;
        self.served_by(b1)?;
        self.all_take_turns()?;
        self.a_server_dies_and_returns()?;
        self.all_servers_die("b1")?;
        self.hand_over(b1, b2)?;
        self.all_take_turns()?;
        self.all_servers_die("b2")?;
        self.hand_over(b2, b1)?;
        self.b1_loses_its_power()?;
        self.served_by(b2)?;
        self.all_take_turns()?;
        b2.stop()?;
        self.cluster.lab.power_on(1)
    }

    /// A machine's kernel forgets; that of a namespace is told to.
    fn b1_loses_its_power(&self) -> Result<(), Failure> {
        self.cluster.lab.crash(1)?;
        let b1 = self.cluster.lab.node(1);
        b1.must(&["ipvsadm", "-C"])?;
        for role in ["master", "backup"] {
            // one of them does not run
            b1.run(&["ipvsadm", "--stop-daemon", role])?;
        }
        Ok(())
    }

    /// heartbeat starts and stops the director, and clients of the persistent service stay with their servers: the
    /// director that stands by keeps the services in its kernel's table, where the kernel finds them when it is told of
    /// the clients. (The reference has no such thing.)
    fn with_a_loaded_standby(&self, director: Director) -> Result<(), Failure> {
        let (b1, b2) = (self.cluster.lab.node(1), self.cluster.lab.node(2));
        let ours = self.program == Program::Ours;
        self.strangers_come()?;
        self.cluster.direct(if ours { "warmstandby=loaded\n" } else { "" })?;
        self.cluster.configure(director)?;
        for node in self.cluster.lab.nodes() {
            if ours {
                node.must(&["ldirectord", "ldirectord.cf", "standby"])?;
            }
            node.must(&["/etc/ha.d/resource.d/LVSSyncDaemonSwap", "backup", "start"])?;
            node.start()?;
        }
        self.served_by(b1)?;
        self.stay(b1, b2, "over the hand-over", || self.hand_over(b1, b2))?;
        self.stay(b2, b1, "over the way back", || self.hand_over(b2, b1))?;
        self.stay(b1, b2, "over the crash", || {
            self.b1_loses_its_power()?;
            self.served_by(b2)
        })?;
        self.all_take_turns()?;
        b2.stop()?;
        if ours {
            b2.must(&["ldirectord", "ldirectord.cf", "shutdown"])?;
        }
        self.cluster.lab.power_on(1)
    }

    /// Each client keeps its server while one director follows the other.
    fn stay(
        &self,
        from: &Node,
        to: &Node,
        when: &str,
        follow: impl FnOnce() -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        self.tells(from)?;
        let before = self.sticky(&format!("before: {when}"), [0, 1, 2, 3, 4, 5, 6, 7])?;
        self.carried_over(to)?;
        follow()?;
        self.still(&before, when)
    }

    /// Clients were seen to stay with their servers only where the other director's kernel had the services when it was
    /// told of them. So a director runs on both, and heartbeat moves the addresses and the sync daemon.
    fn with_directors_on_both(&self) -> Result<(), Failure> {
        let (b1, b2) = (self.cluster.lab.node(1), self.cluster.lab.node(2));
        self.strangers_come()?;
        self.cluster.direct("")?;
        self.cluster.configure(Director::Apart)?;
        for node in self.cluster.lab.nodes() {
            node.must(&["ldirectord", "ldirectord.cf", "start"])?;
            node.must(&["/etc/ha.d/resource.d/LVSSyncDaemonSwap", "backup", "start"])?;
            node.start()?;
        }
        self.served_by(b1)?;
        self.stay(b1, b2, "over the hand-over", || self.hand_over(b1, b2))?;
        self.hand_over(b2, b1)?;
        self.stay(b1, b2, "over the crash", || {
            self.b1_loses_its_power()?;
            self.served_by(b2)
        })?;
        self.all_take_turns()?;
        b2.stop()
    }

    /// Until both say that it is over: who asks again before that is not heard.
    fn hand_over(&self, from: &Node, to: &Node) -> Result<(), Failure> {
        let marks = [from.log().len(), to.log().len()];
        from.hb_standby("all")?;
        self.served_by(to)?;
        from.wait_for_log("Other node completed standby takeover", marks[0], PATIENCE)?;
        to.wait_for_log("Standby resource acquisition done", marks[1], PATIENCE)
    }

    fn all_take_turns(&self) -> Result<(), Failure> {
        WAYS.iter().try_for_each(|(name, at, servers)| self.turns(name, at, *servers))
    }

    fn say(&self, what: &str) {
        println!("{:6.1} s  {what}", self.begin.elapsed().as_secs_f64());
    }

    /// The answer, or why there is none.
    fn asked(&self, at: &str) -> String {
        self.client.ask(at).unwrap_or_else(|failure| failure.to_string())
    }

    /// The node has the addresses, and whoever asks is answered by a server.
    fn served_by(&self, node: &Node) -> Result<(), Failure> {
        let begin = Instant::now();
        let what = format!("{} serves", node.name());
        wait_until(&what, PATIENCE, || {
            let held = node.vips().len();
            let answers: Vec<_> = WAYS.iter().map(|(_, at, _)| self.asked(at)).collect();
            match held == 5 && answers.iter().all(|answer| answer.starts_with("OK rs")) {
                true => Ok(()),
                false => Err(format!("{held} addresses, {answers:?}")),
            }
        })
        .map_err(|failure| self.with_logs(failure, node))?;
        self.say(&format!("{what}, {:.1} s after it was wanted", begin.elapsed().as_secs_f64()));
        Ok(())
    }

    fn with_logs(&self, failure: Failure, node: &Node) -> Failure {
        let table =
            node.run(&["ipvsadm", "-L", "-n"]).map(|o| String::from_utf8_lossy(&o.stdout).into_owned());
        Failure::new(format!(
            "{failure}\n{}\n--- ha-log\n{}\n--- ldirectord.log\n{}",
            table.unwrap_or_default(),
            node.log(),
            node.read("/var/log/ldirectord.log")
        ))
    }

    /// Round robin: the servers take turns.
    fn turns(&self, name: &str, at: &str, servers: [&str; 2]) -> Result<(), Failure> {
        let [one, two] = servers.map(|server| format!("OK {server}"));
        wait_until(&format!("{name}: {at} takes turns"), PATIENCE, || {
            let answers = self.client.ask_times(at, 6).map_err(|f| f.to_string())?;
            let first = if answers[0] == one { [&one, &two] } else { [&two, &one] };
            let wanted: Vec<String> = first.into_iter().cycle().take(6).cloned().collect();
            if answers == wanted { Ok(()) } else { Err(format!("{answers:?}")) }
        })?;
        self.say(&format!("{name}: the servers take turns"));
        Ok(())
    }

    /// Everybody is answered so, several times.
    fn only(&self, at: &str, wanted: &str) -> Result<(), Failure> {
        wait_until(&format!("{at}: only '{wanted}'"), PATIENCE, || {
            let answers: Vec<_> = (0..4).map(|_| self.asked(at)).collect();
            if answers.iter().all(|a| a == wanted) { Ok(()) } else { Err(format!("{answers:?}")) }
        })
    }

    fn a_server_dies_and_returns(&self) -> Result<(), Failure> {
        let servers = &self.cluster.servers;
        servers[0].dies();
        servers[2].answers_wrong();
        self.only(GATE, "OK rs2")?;
        self.only(IPIP, "OK rs2")?;
        self.only(MASQ, "OK rs4")?;
        self.say("a server dies, another one answers wrong: the others serve");
        servers[0].serves();
        servers[2].serves();
        self.all_take_turns()
    }

    fn all_servers_die(&self, director: &str) -> Result<(), Failure> {
        let near = &self.cluster.servers[..2];
        near.iter().for_each(crate::cluster::Serving::dies);
        self.only(GATE, &format!("Sorry, says {director}"))?;
        self.say("nobody is left: the page of the fallback");
        near.iter().for_each(crate::cluster::Serving::serves);
        self.turns("gate", GATE, ["rs1", "rs2"])?;
        self.turns("ipip", IPIP, ["rs1", "rs2"])
    }

    /// Who serves each client of the persistent service, asked in this order; each stays with the same server. The
    /// kernel tells the other director of a client with its third connection (net.ipv4.vs.sync_threshold).
    fn sticky(&self, when: &str, order: [usize; 8]) -> Result<Vec<String>, Failure> {
        let clients = self.clients();
        let ask = |_| {
            let ask = |n: usize| Ok((n, self.client.ask_as(&clients[n], PERSISTENT)?));
            let answers: BTreeMap<usize, String> =
                order.into_iter().map(ask).collect::<Result<_, Failure>>()?;
            Ok(answers.into_values().collect())
        };
        let rounds: Vec<Vec<String>> = (0..4).map(ask).collect::<Result<_, Failure>>()?;
        let both = ["OK rs1", "OK rs2"].iter().all(|name| rounds[0].iter().any(|answer| answer == name));
        if !both || rounds.iter().any(|round| *round != rounds[0]) {
            bail!("{when}: clients do not stay with their servers, or all have the same: {rounds:?}");
        }
        self.say(&format!("{when}: each client has its server"));
        Ok(rounds[0].clone())
    }

    /// The node's kernel tells the other one of its connections. Its addresses come before.
    fn tells(&self, node: &Node) -> Result<(), Failure> {
        wait_until(&format!("{} is the master of the sync daemon", node.name()), PATIENCE, || {
            let daemons = node.must(&["ipvsadm", "-L", "--daemon"]).map_err(|f| f.to_string())?;
            if daemons.contains("master sync daemon") { Ok(()) } else { Err(daemons) }
        })
    }

    /// The other director knows each client's server before it has to.
    fn carried_over(&self, node: &Node) -> Result<(), Failure> {
        wait_until(&format!("{} knows the clients", node.name()), PATIENCE, || {
            let known = node.must(&["ipvsadm", "-L", "-n", "-c"]).map_err(|f| f.to_string())?;
            let knows = |client: &str| known.contains(&format!(" {client}:0 "));
            match self.clients().iter().find(|client| !knows(client)) {
                None => Ok(()),
                Some(missing) => Err(format!("no template of {missing}:\n{known}")),
            }
        })
        .map_err(|failure| {
            let daemons =
                self.cluster.lab.nodes().iter().map(|node| node.must(&["ipvsadm", "-L", "--daemon"]));
            let daemons: Vec<_> = daemons.map(Result::unwrap_or_default).collect();
            self.with_logs(failure, self.cluster.lab.node(1)).of(format!("sync daemons: {daemons:?}"))
        })?;
        self.say(&format!("{} knows the clients", node.name()));
        Ok(())
    }

    fn still(&self, before: &[String], when: &str) -> Result<(), Failure> {
        // Who come as strangers take turns: not as before, in this order.
        let now = self.sticky(when, [0, 2, 4, 6, 1, 3, 5, 7])?;
        if now != before {
            bail!("{when}: clients were sent to other servers: {before:?}, now {now:?}");
        }
        self.say(&format!("{when}: each client is still with its server"));
        Ok(())
    }
}
