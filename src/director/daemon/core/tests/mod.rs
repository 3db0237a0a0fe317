//! The daemon's loop in virtual time: hours in milliseconds.

mod courses;
mod kernel;
mod loaded;
mod parting;
mod serving;
mod turns;
mod world;

use super::*;
use world::{HANG, World, config, ms};

const WEB: &str = "checkinterval=1\nvirtual=10.0.0.100:80\n\treal=10.0.0.1:80 masq 5\n\treal=10.0.0.2:80 masq\n\
                   \tfallback=127.0.0.1:80 masq\n\tfallbackcommand=/bin/fb\n";
const BOTH: &str = "10.0.0.100:80: 10.0.0.1:80/5 10.0.0.2:80/1";

fn web() -> ServiceId {
    config(WEB).virtuals[0].id
}
