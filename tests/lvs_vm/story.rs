//! What happens to the cluster, and what the client sees of it.

use std::env;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::client::Client;
use crate::cluster::{Cluster, GATE, IPIP, MASQ, PERSISTENT};
use crate::director::Program;
use crate::lab::{Failure, Node, bail, wait_until};

/// Everything comes to pass within this; the machine may be busy.
const PATIENCE: Duration = Duration::from_secs(90);
/// Every way to forward, and who serves it.
const WAYS: [(&str, &str, [&str; 2]); 3] =
    [("gate", GATE, ["rs1", "rs2"]), ("masq", MASQ, ["rs3", "rs4"]), ("ipip", IPIP, ["rs1", "rs2"])];
/// More addresses of the client: each of them is a client of its own.
const CLIENTS: [&str; 8] = [
    "10.80.0.20",
    "10.80.0.21",
    "10.80.0.22",
    "10.80.0.23",
    "10.80.0.24",
    "10.80.0.25",
    "10.80.0.26",
    "10.80.0.27",
];

pub(crate) fn all() -> Result<(), Failure> {
    let program = match env::var("DIRECTOR_PROGRAMS").as_deref() {
        Ok("reference") => Program::Reference,
        _ => Program::Ours,
    };
    // the namespaces of the laboratory get its devices
    Command::new("modprobe").args(["-a", "ip_vs", "ipip"]).status()?;
    let cluster = Cluster::new(program)?;
    let story = Story { client: Client(cluster.lab.client()), cluster: &cluster, begin: Instant::now() };
    for address in CLIENTS {
        cluster.lab.client().script(&[], &format!("ip addr add {address}/24 dev eth0\n"))?;
    }
    story.run()
}

struct Story<'c> {
    cluster: &'c Cluster,
    client: Client<'c>,
    begin: Instant,
}

impl Story<'_> {
    fn run(&self) -> Result<(), Failure> {
        let (b1, b2) = (self.cluster.lab.node(1), self.cluster.lab.node(2));
        self.cluster.lab.nodes().iter().try_for_each(Node::start)?;
        self.served_by(b1)?;
        for (name, at, servers) in WAYS {
            self.turns(name, at, servers)?;
        }
        self.a_server_dies_and_returns()?;
        self.all_servers_die("b1")?;
        let before = self.sticky("at first")?;
        self.carried_over(b2)?;
        b1.hb_standby("all")?;
        self.served_by(b2)?;
        self.still(&before, "after the hand-over")?;
        for (name, at, servers) in WAYS {
            self.turns(name, at, servers)?;
        }
        self.all_servers_die("b2")?;
        b2.hb_standby("all")?;
        self.served_by(b1)?;
        let before = self.sticky("again")?;
        self.carried_over(b2)?;
        self.cluster.lab.crash(1)?;
        self.served_by(b2)?;
        self.still(&before, "after the crash")?;
        for (name, at, servers) in WAYS {
            self.turns(name, at, servers)?;
        }
        b2.stop()
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
        for (name, at, servers) in WAYS {
            self.turns(name, at, servers)?;
        }
        Ok(())
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

    /// Who serves each client of the persistent service; each stays with the same server.
    fn sticky(&self, when: &str) -> Result<Vec<String>, Failure> {
        let ask = || CLIENTS.iter().map(|client| self.client.ask_as(client, PERSISTENT)).collect();
        let (first, second): (Result<Vec<_>, _>, Result<Vec<_>, _>) = (ask(), ask());
        let (first, second) = (first?, second?);
        if first != second
            || !["OK rs1", "OK rs2"].iter().all(|name| first.iter().any(|answer| answer == name))
        {
            bail!(
                "{when}: clients do not stay with their servers, or all have the same: {first:?}, {second:?}"
            );
        }
        self.say(&format!("{when}: each client has its server"));
        Ok(first)
    }

    /// The other director knows each client's server before it has to.
    fn carried_over(&self, node: &Node) -> Result<(), Failure> {
        wait_until(&format!("{} knows the clients", node.name()), PATIENCE, || {
            let known = node.must(&["ipvsadm", "-L", "-n", "-c"]).map_err(|f| f.to_string())?;
            let knows = |client: &str| {
                known.lines().any(|l| l.contains(&format!(" {client}:0 ")) && l.contains("NONE"))
            };
            match CLIENTS.iter().find(|client| !knows(client)) {
                None => Ok(()),
                Some(missing) => Err(format!("no template of {missing}:\n{known}")),
            }
        })?;
        self.say(&format!("{} knows the clients", node.name()));
        Ok(())
    }

    fn still(&self, before: &[String], when: &str) -> Result<(), Failure> {
        let now = self.sticky(when)?;
        if now != before {
            bail!("{when}: clients were sent to other servers: {before:?}, now {now:?}");
        }
        self.say(&format!("{when}: each client is still with its server"));
        Ok(())
    }
}
