//! A script: a configuration and what happens to the pair, when. A seed makes one, shrinking makes it
//! shorter, a file in tests/cases holds one. The same text reads and writes; see tests/cases/README.md.

use heartbeat::engine::{Failback, Hold};
use std::fmt;
use std::time::Duration;

/// Who sits in a seat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Ours,
    /// The model of 3.0.6.
    Model,
}

/// Everything that does not change during a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    pub seats: [Kind; 2],
    pub failback: Failback,
    pub links: usize,
    /// The media are broadcast: a node hears itself.
    pub bcast: bool,
    pub keepalive: Duration,
    pub deadtime: Duration,
    pub warntime: Duration,
    pub initdead: Duration,
    pub rexmit: Duration,
    /// How long a script takes: at least, at most.
    pub script: [Duration; 2],
    pub ping: bool,
    pub fencing: bool,
    /// How long a C daemon may let messages wait before it looks at them.
    pub lag: Duration,
    /// Messages travel as signed bytes, not as they are.
    pub signed: bool,
    /// Of the weather and the scripts' times.
    pub seed: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            seats: [Kind::Ours; 2],
            failback: Failback::On,
            links: 1,
            bcast: true,
            keepalive: ms(500),
            deadtime: ms(3000),
            warntime: ms(1500),
            initdead: ms(6000),
            rexmit: ms(250),
            script: [ms(40); 2],
            ping: false,
            fencing: false,
            lag: Duration::ZERO,
            signed: false,
            seed: 1,
        }
    }
}

/// One thing that happens. Nodes are 0 and 1 here, `a1` and `a2` in the text; group 0 (`one`) is at home on
/// the first, group 1 (`two`) on the second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fault {
    Start(usize),
    /// In good order.
    Stop(usize),
    /// Power off.
    Crash(usize),
    /// The daemon dies, its services stay.
    Kill(usize),
    Reload(usize),
    Standby(usize, Hold),
    Takeover(usize, Hold),
    /// From a node (`None`: both ways) over a link (`None`: all).
    Cut(Option<usize>, Option<usize>),
    Join,
    /// Percent.
    Loss(u8),
    Duplicate(u8),
    /// Each packet takes between 0.2 ms and this: they overtake each other.
    Delay(Duration),
    /// Nothing of the node runs; what comes waits in the socket, as long as there is room.
    Pause(usize, Duration),
    /// The same, but what comes is lost.
    Suspend(usize, Duration),
    /// The daemon gets the processor late, by up to this, each time.
    Starve(usize, Duration),
    /// The wall clock jumps by so many seconds.
    Clock(usize, i64),
    /// From now on a group cannot be started, or stopped, there.
    BreakStart(usize, usize),
    BreakStop(usize, usize),
    Mend(usize),
    /// The ping node answers a node, or does not.
    Ping(usize, bool),
    /// So many packets of long ago come to a node again.
    Replay(usize, u8),
    /// Everything is well again, and what does not run is started.
    Recover,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    pub at: Duration,
    pub what: Fault,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Script {
    pub config: Config,
    pub steps: Vec<Step>,
}

pub fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

pub const NAMES: [&str; 2] = ["a1", "a2"];
pub const GROUPS: [&str; 2] = ["one", "two"];

/// `1500` ms is `1500ms`, 3000 ms are `3s`.
pub fn show_time(time: Duration) -> String {
    match time.as_millis() {
        ms if ms % 1000 == 0 => format!("{}s", ms / 1000),
        ms => format!("{ms}ms"),
    }
}

pub fn read_time(text: &str) -> Result<Duration, String> {
    let number = |digits: &str| digits.parse::<u64>().map_err(|e| format!("'{text}' is no time: {e}"));
    match (text.strip_suffix("ms"), text.strip_suffix('s')) {
        (Some(digits), _) => number(digits).map(ms),
        (None, Some(digits)) => number(digits).map(Duration::from_secs),
        _ => Err(format!("'{text}' is no time: write 3s or 250ms")),
    }
}

impl fmt::Display for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seat = |kind: Kind| if kind == Kind::Ours { "ours" } else { "model" };
        let failback = match self.failback {
            Failback::On => "on",
            Failback::Off => "off",
            Failback::Legacy => "legacy",
        };
        let flag = |name: &str, set: bool| if set { format!(" {name}") } else { String::new() };
        writeln!(f, "seats      {} {}", seat(self.seats[0]), seat(self.seats[1]))?;
        writeln!(f, "failback   {failback}")?;
        writeln!(f, "links      {}", self.links)?;
        let times = [
            ("keepalive", self.keepalive),
            ("deadtime", self.deadtime),
            ("warntime", self.warntime),
            ("initdead", self.initdead),
            ("rexmit", self.rexmit),
            ("lag", self.lag),
        ];
        for (name, time) in times {
            writeln!(f, "{name:<10} {}", show_time(time))?;
        }
        writeln!(f, "script     {} {}", show_time(self.script[0]), show_time(self.script[1]))?;
        let flags = [
            flag("bcast", self.bcast),
            flag("ping", self.ping),
            flag("fencing", self.fencing),
            flag("signed", self.signed),
        ];
        let flags = flags.concat();
        writeln!(f, "with      {}", if flags.is_empty() { " nothing" } else { &flags })?;
        writeln!(f, "seed       {}", self.seed)
    }
}

impl Config {
    /// Reads one line; `false`: it is none of these.
    pub fn read(&mut self, words: &[&str]) -> Result<bool, String> {
        match words {
            ["seats", first, second] => self.seats = [read_seat(first)?, read_seat(second)?],
            ["failback", "on"] => self.failback = Failback::On,
            ["failback", "off"] => self.failback = Failback::Off,
            ["failback", "legacy"] => self.failback = Failback::Legacy,
            ["links", number] => self.links = number.parse().map_err(|e| format!("links: {e}"))?,
            ["seed", number] => self.seed = number.parse().map_err(|e| format!("seed: {e}"))?,
            ["keepalive", time] => self.keepalive = read_time(time)?,
            ["deadtime", time] => self.deadtime = read_time(time)?,
            ["warntime", time] => self.warntime = read_time(time)?,
            ["initdead", time] => self.initdead = read_time(time)?,
            ["rexmit", time] => self.rexmit = read_time(time)?,
            ["lag", time] => self.lag = read_time(time)?,
            ["script", least, most] => self.script = [read_time(least)?, read_time(most)?],
            ["with", flags @ ..] => self.read_flags(flags)?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn read_flags(&mut self, flags: &[&str]) -> Result<(), String> {
        [self.bcast, self.ping, self.fencing, self.signed] = [false; 4];
        for flag in flags {
            match *flag {
                "bcast" => self.bcast = true,
                "ping" => self.ping = true,
                "fencing" => self.fencing = true,
                "signed" => self.signed = true,
                "nothing" => {}
                other => return Err(format!("with '{other}': bcast, ping, fencing, signed, nothing")),
            }
        }
        Ok(())
    }
}

fn read_seat(word: &str) -> Result<Kind, String> {
    match word {
        "ours" => Ok(Kind::Ours),
        "model" => Ok(Kind::Model),
        other => Err(format!("seat '{other}': ours or model")),
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let n = |node: &usize| NAMES[*node];
        match self {
            Fault::Start(node) => write!(f, "start {}", n(node)),
            Fault::Stop(node) => write!(f, "stop {}", n(node)),
            Fault::Crash(node) => write!(f, "crash {}", n(node)),
            Fault::Kill(node) => write!(f, "kill {}", n(node)),
            Fault::Reload(node) => write!(f, "reload {}", n(node)),
            Fault::Standby(node, set) => write!(f, "standby {} {}", n(node), set.word()),
            Fault::Takeover(node, set) => write!(f, "takeover {} {}", n(node), set.word()),
            Fault::Cut(from, link) => {
                write!(f, "cut {}", from.map_or("both".to_owned(), |node| format!("from-{}", n(&node))))?;
                link.map_or(Ok(()), |link| write!(f, " link {link}"))
            }
            Fault::Join => write!(f, "join"),
            Fault::Loss(percent) => write!(f, "loss {percent}"),
            Fault::Duplicate(percent) => write!(f, "duplicate {percent}"),
            Fault::Delay(time) => write!(f, "delay {}", show_time(*time)),
            Fault::Pause(node, time) => write!(f, "pause {} {}", n(node), show_time(*time)),
            Fault::Suspend(node, time) => write!(f, "suspend {} {}", n(node), show_time(*time)),
            Fault::Starve(node, time) => write!(f, "starve {} {}", n(node), show_time(*time)),
            Fault::Clock(node, seconds) => write!(f, "clock {} {seconds}", n(node)),
            Fault::BreakStart(node, group) => write!(f, "break-start {} {}", n(node), GROUPS[*group]),
            Fault::BreakStop(node, group) => write!(f, "break-stop {} {}", n(node), GROUPS[*group]),
            Fault::Mend(node) => write!(f, "mend {}", n(node)),
            Fault::Ping(node, up) => write!(f, "ping {} {}", n(node), if *up { "yes" } else { "no" }),
            Fault::Replay(node, count) => write!(f, "replay {} {count}", n(node)),
            Fault::Recover => write!(f, "recover"),
        }
    }
}

impl Fault {
    pub fn read(words: &[&str]) -> Result<Self, String> {
        let number = |word: &str| word.parse().map_err(|e| format!("'{word}': {e}"));
        Ok(match words {
            ["start", node] => Fault::Start(place(&NAMES, node)?),
            ["stop", node] => Fault::Stop(place(&NAMES, node)?),
            ["crash", node] => Fault::Crash(place(&NAMES, node)?),
            ["kill", node] => Fault::Kill(place(&NAMES, node)?),
            ["reload", node] => Fault::Reload(place(&NAMES, node)?),
            ["standby", node, set] => Fault::Standby(place(&NAMES, node)?, read_set(set)?),
            ["takeover", node, set] => Fault::Takeover(place(&NAMES, node)?, read_set(set)?),
            ["cut", whose] => Fault::Cut(read_side(whose)?, None),
            ["cut", whose, "link", link] => Fault::Cut(read_side(whose)?, Some(number(link)? as usize)),
            ["join"] => Fault::Join,
            ["loss", percent] => Fault::Loss(number(percent)?),
            ["duplicate", percent] => Fault::Duplicate(number(percent)?),
            ["delay", time] => Fault::Delay(read_time(time)?),
            ["pause", node, time] => Fault::Pause(place(&NAMES, node)?, read_time(time)?),
            ["suspend", node, time] => Fault::Suspend(place(&NAMES, node)?, read_time(time)?),
            ["starve", node, time] => Fault::Starve(place(&NAMES, node)?, read_time(time)?),
            ["clock", node, seconds] => {
                Fault::Clock(place(&NAMES, node)?, seconds.parse().map_err(|e| format!("'{seconds}': {e}"))?)
            }
            ["break-start", node, group] => Fault::BreakStart(place(&NAMES, node)?, place(&GROUPS, group)?),
            ["break-stop", node, group] => Fault::BreakStop(place(&NAMES, node)?, place(&GROUPS, group)?),
            ["mend", node] => Fault::Mend(place(&NAMES, node)?),
            ["ping", node, word] => Fault::Ping(place(&NAMES, node)?, *word == "yes"),
            ["replay", node, count] => Fault::Replay(place(&NAMES, node)?, number(count)?),
            ["recover"] => Fault::Recover,
            other => return Err(format!("nobody knows what '{}' is", other.join(" "))),
        })
    }
}

fn place(names: &[&str], name: &str) -> Result<usize, String> {
    names.iter().position(|n| *n == name).ok_or_else(|| format!("'{name}' is none of {}", names.join(", ")))
}

fn read_set(word: &str) -> Result<Hold, String> {
    Hold::parse(word).ok_or_else(|| format!("'{word}' is none of local, foreign, all"))
}

fn read_side(word: &str) -> Result<Option<usize>, String> {
    match word {
        "both" => Ok(None),
        word => place(&NAMES, word.trim_start_matches("from-")).map(Some),
    }
}

impl fmt::Display for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.config)?;
        for step in &self.steps {
            writeln!(f, "at {:<8} {}", show_time(step.at), step.what)?;
        }
        Ok(())
    }
}
