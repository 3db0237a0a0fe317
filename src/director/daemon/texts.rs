//! What the program says about itself.

/// The version of the reference that this program stands in for, as its log says it.
pub(super) const STARTING: &str = "Starting Linux Director v1.186-ha";

/// `-v`.
pub(super) const VERSION: &str = concat!(
    "Linux Director v1.186-ha\n",
    "heartbeat-rs ",
    env!("CARGO_PKG_VERSION"),
    " stands in for it\n",
    "\n",
    "ldirectord comes with ABSOLUTELY NO WARRANTY.\n",
    "This is free software: MIT or Apache License 2.0, as you like.\n",
);

/// How it is to be used.
pub(super) const USAGE: &str = "\
Usage:
    ldirectord [-d|--debug] [--] [configfile] start | stop | restart |
    try-restart | reload | force-reload | status

    ldirectord [-d|--debug] [--] configfile standby | shutdown

    ldirectord --check configfile

    ldirectord [-h|-?|--help|-v|--version]

Options:
    configfile: the name of a configuration: /etc/ha.d/NAME,
    /etc/ha.d/conf/NAME or NAME itself; ldirectord.cf when none is given

    -d|--debug: stay in the foreground, say everything on stderr

    start: check the servers, and keep the kernel's table of virtual
    services up to date

    stop: end the daemon; with warmstandby it goes on checking

    restart, try-restart: start anew; the kernel's table is kept

    reload, force-reload: read the configuration anew

    status: say whether it runs

    standby: check the servers, and leave the kernel's table alone; with
    warmstandby=loaded it is kept up to date

    shutdown: end the daemon, with warmstandby too

    --check: say everything that is wrong with a configuration

    -h|-?|--help: this text

    -v|--version: the version

";
