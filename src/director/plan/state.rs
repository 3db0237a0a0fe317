//! Which servers are up, and what one more check makes of that (ldirectord.md section 8).

use std::collections::BTreeMap;
use std::net::SocketAddr;

use crate::director::config::{CheckKind, Config, Real, Virtual};
use crate::director::table::{ServiceId, Table};

/// What is known of a server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Health {
    /// It has not been checked yet.
    #[default]
    Unknown,
    /// It serves.
    Up,
    /// It does not.
    Down,
}

impl Health {
    fn or_better(self, other: Health) -> Health {
        match (self, other) {
            (Health::Up, _) | (_, Health::Up) => Health::Up,
            (Health::Down, Health::Down) => Health::Down,
            _ => Health::Unknown,
        }
    }
}

/// What a check says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It answered as it should.
    Up,
    /// It did not.
    Down,
    /// Somebody wants it out. Counts at once.
    Maintenance,
}

/// One server of one virtual service.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Server {
    /// What is known of it.
    pub health: Health,
    /// Checks that failed since the last that did not.
    pub failures: u32,
    /// It is down and has not been put into the table with weight 0 yet, where that is wanted.
    pub unplaced: bool,
}

/// One virtual service.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Watched {
    /// Its servers, in the order of the configuration.
    pub servers: Vec<Server>,
    /// Enough is known to put the fallback on when no server is up.
    pub settled: bool,
    /// What the fallback command was last run with.
    pub said: Option<Verb>,
    /// Rows that do not belong here have been taken out since the start or the reload.
    pub swept: bool,
}

/// What a fallback command is run with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// No server is up.
    Start,
    /// One is.
    Stop,
}

/// All virtual services, in the order of the configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// One for each of the configuration.
    pub virtuals: Vec<Watched>,
}

/// What a check made known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    /// Failures are forgotten.
    Reset,
    /// A failure that does not count yet.
    Soft {
        /// So many now.
        failures: u32,
        /// So many count.
        limit: u32,
    },
    /// It is up now.
    Up,
    /// It is down now.
    Down,
}

impl Verb {
    /// As the command gets it.
    pub fn word(self) -> &'static str {
        match self {
            Verb::Start => "start",
            Verb::Stop => "stop",
        }
    }
}

impl News {
    /// The line of the reference's log, where it has one. Up and down are told by what is done about it.
    pub fn log_line(self, id: &ServiceId, at: &SocketAddr) -> Option<String> {
        let tagged = id.tagged();
        match self {
            News::Reset => Some(format!("Resetting soft failure count: {at} ({tagged})")),
            News::Soft { failures, limit } => {
                Some(format!("Soft failure real server: {at} ({tagged}) failure {failures}/{limit}"))
            }
            News::Up | News::Down => None,
        }
    }
}

impl Server {
    /// Takes a verdict; `limit` failures in a row count.
    fn judge(&mut self, verdict: Verdict, limit: u32) -> Vec<News> {
        match verdict {
            Verdict::Up => self.good(),
            Verdict::Down if self.health == Health::Down => Vec::new(),
            Verdict::Down => {
                self.failures = self.failures.saturating_add(1);
                let counts = self.health == Health::Unknown || self.failures >= limit;
                if counts { self.fall() } else { vec![News::Soft { failures: self.failures, limit }] }
            }
            Verdict::Maintenance if self.health == Health::Down => Vec::new(),
            Verdict::Maintenance => {
                self.failures = self.failures.max(1);
                self.fall()
            }
        }
    }

    fn good(&mut self) -> Vec<News> {
        let mut news = Vec::new();
        if self.failures > 0 {
            self.failures = 0;
            news.push(News::Reset);
        }
        if self.health != Health::Up {
            *self = Server { health: Health::Up, ..Server::default() };
            news.push(News::Up);
        }
        news
    }

    fn fall(&mut self) -> Vec<News> {
        self.unplaced = self.health == Health::Unknown;
        self.health = Health::Down;
        vec![News::Down]
    }
}

impl Watched {
    fn new(virt: &Virtual) -> Watched {
        Watched { servers: vec![Server::default(); virt.reals.len()], ..Watched::default() }
    }

    /// Whether the fallback serves; `None` while that cannot be said yet.
    pub fn fallback_on(&self) -> Option<bool> {
        let any = |health| self.servers.iter().any(|server| server.health == health);
        match (any(Health::Up), any(Health::Unknown)) {
            (true, _) => Some(false),
            (false, true) if !self.settled => None,
            (false, _) => Some(true),
        }
    }
}

impl State {
    /// Nothing is known.
    pub fn new(config: &Config) -> State {
        State { virtuals: config.virtuals.iter().map(Watched::new).collect() }
    }

    /// What is known of servers that are in the old configuration too stays known, and failures are forgotten.
    /// Servers that are down will be put into the table again where they are missing there.
    pub fn carried(config: &Config, old: &Config, before: &State) -> State {
        let mut known: BTreeMap<(ServiceId, SocketAddr), Health> = BTreeMap::new();
        for (virt, watched) in old.virtuals.iter().zip(&before.virtuals) {
            let servers = virt.reals.iter().zip(&watched.servers);
            for (real, server) in servers {
                // Of two lines for one address nobody knows which is which now: nobody who serves is taken out for it.
                let health = known.entry((virt.id, real.at)).or_insert(server.health);
                *health = server.health.or_better(*health);
            }
        }
        let server = |virt: &Virtual, real: &Real| {
            // Who is not checked is what the table says, each time anew.
            let health =
                known.get(&(virt.id, real.at)).copied().filter(|_| virt.check.kind != CheckKind::Off);
            let health = health.unwrap_or_default();
            Server { health, failures: 0, unplaced: health == Health::Down }
        };
        let watched = |virt: &Virtual| Watched {
            servers: virt.reals.iter().map(|real| server(virt, real)).collect(),
            ..Watched::default()
        };
        State { virtuals: config.virtuals.iter().map(watched).collect() }
    }

    /// Servers that the kernel sends connections to count as up until they are checked: who starts beside a
    /// table that works must not disturb it.
    pub fn adopt(&mut self, config: &Config, actual: &Table) {
        for (virt, watched) in config.virtuals.iter().zip(&mut self.virtuals) {
            let Some(entry) = actual.get(&virt.id) else { continue };
            for (real, server) in virt.reals.iter().zip(&mut watched.servers) {
                let row = entry.dests.get(&virt.key(real.at, real.forward)).or(entry.dests.get(&real.at));
                if server.health == Health::Unknown && row.is_some_and(|dest| dest.weight > 0) {
                    server.health = Health::Up;
                }
            }
        }
    }

    /// A check of a server of a service has come to an end.
    pub fn judge(&mut self, config: &Config, index: usize, real: usize, verdict: Verdict) -> Vec<News> {
        let Some(check) = config.virtuals.get(index).map(|virt| &virt.check) else { return Vec::new() };
        let watched = self.virtuals.get_mut(index);
        let Some(server) = watched.and_then(|watched| watched.servers.get_mut(real)) else {
            return Vec::new();
        };
        // Without a check nobody falls who was found serving (ldirectord.md 6).
        if check.kind == CheckKind::Off && verdict == Verdict::Down && server.health == Health::Up {
            return Vec::new();
        }
        server.judge(verdict, check.failure_count)
    }

    /// The first round is over, or has lasted long enough: who has not answered yet is not waited for.
    pub fn settle(&mut self) {
        for watched in &mut self.virtuals {
            watched.settled = true;
        }
    }

    /// Fallback commands are run anew, whatever they were last run with.
    pub fn forget_commands(&mut self) {
        self.virtuals.iter_mut().for_each(|watched| watched.said = None);
    }

    /// The steps of this service were carried out, without failure.
    pub fn applied(&mut self, index: usize) {
        if let Some(watched) = self.virtuals.get_mut(index) {
            watched.swept |= watched.fallback_on().is_some();
            watched.servers.iter_mut().for_each(|server| server.unplaced = false);
        }
    }

    /// What the fallback command of this service is to be run with now, if with anything. To be asked after the
    /// steps were carried out; the answer is taken as done.
    pub fn fallback_command(&mut self, config: &Config, index: usize) -> Option<Verb> {
        config.virtuals.get(index)?.fallback_command.as_ref()?;
        let watched = self.virtuals.get_mut(index)?;
        let verb = if watched.fallback_on()? { Verb::Start } else { Verb::Stop };
        let new = watched.said != Some(verb);
        watched.said = Some(verb);
        new.then_some(verb)
    }
}
