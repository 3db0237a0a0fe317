//! What shall be measured.

pub(crate) const USAGE: &str = "\
usage: scripts/bench-director [OPTION=VALUE]...

  servers=1000       so many real servers, behind one virtual service
  hanging=10         so many of them accept and say nothing
  interval=1         checkinterval, in seconds
  timeout=5          checktimeout, in seconds
  seconds=60         how long the pauses between checks are watched
  deaths=5           so many servers die, one after the other
  programs=ours,reference";

/// The options.
#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) servers: usize,
    pub(crate) hanging: usize,
    pub(crate) interval: u64,
    pub(crate) timeout: u64,
    pub(crate) seconds: u64,
    pub(crate) deaths: usize,
    pub(crate) programs: Vec<String>,
}

/// `None`: not understood. cargo adds a word of its own, `--bench`.
pub(crate) fn read(words: &[String]) -> Option<Options> {
    let mut options = Options {
        servers: 1000,
        hanging: 10,
        interval: 1,
        timeout: 5,
        seconds: 60,
        deaths: 5,
        programs: vec!["ours".to_owned(), "reference".to_owned()],
    };
    for word in words.iter().filter(|word| *word != "--bench") {
        let (name, value) = word.split_once('=')?;
        match name {
            "servers" => options.servers = value.parse().ok()?,
            "hanging" => options.hanging = value.parse().ok()?,
            "interval" => options.interval = value.parse().ok()?,
            "timeout" => options.timeout = value.parse().ok()?,
            "seconds" => options.seconds = value.parse().ok()?,
            "deaths" => options.deaths = value.parse().ok()?,
            "programs" => options.programs = value.split(',').map(ToOwned::to_owned).collect(),
            _ => return None,
        }
    }
    let known = |program: &String| program == "ours" || program == "reference";
    let fits = options.servers > options.hanging + options.deaths && options.servers <= 50_000;
    (fits && options.programs.iter().all(known)).then_some(options)
}
