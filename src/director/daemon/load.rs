//! Reads a configuration, and tells what is wrong with it: in the reference's words, and in ours with the place and
//! what is allowed (ldirectord.md 4.4).

use std::fs;
use std::path::Path;

use sha1::{Digest, Sha1};

use crate::config::{Diagnostic, Source};
use crate::director::config::{self, Config, Machine, WarmStandby};
use crate::director::machine::LinuxMachine;
use crate::level::Level;

/// What stands for the content of a file.
pub(super) type Print = [u8; 20];

/// A configuration that was read.
pub(super) struct Loaded {
    /// It; `None` when there is an error in it.
    pub(super) config: Option<Config>,
    /// What there is to say.
    pub(super) diagnostics: Vec<Diagnostic>,
    /// The file as it was.
    pub(super) print: Print,
}

/// Reads it. Names are looked up, which may take long.
pub(super) fn load(path: &Path, label: &str) -> Result<Loaded, String> {
    load_for(path, label, &LinuxMachine::new())
}

/// The same, for any machine.
pub(super) fn load_for(path: &Path, label: &str, machine: &dyn Machine) -> Result<Loaded, String> {
    let bytes = fs::read(path).map_err(|error| format!("can not open file {label}: {error}"))?;
    Ok(load_text(bytes, label, machine))
}

/// The same, of a file that has been read.
pub(super) fn load_text(bytes: Vec<u8>, label: &str, machine: &dyn Machine) -> Loaded {
    let print = print(&bytes);
    let checked = config::read(&Source::new(label, bytes, 0o600), machine);
    Loaded { config: checked.config, diagnostics: checked.diagnostics, print }
}

/// What stands for this content.
pub(super) fn print(bytes: &[u8]) -> Print {
    Sha1::digest(bytes).into()
}

/// The lines for people: first the reference's, then where and what is allowed.
pub(super) fn told(diagnostics: &[Diagnostic], config: &str) -> Vec<String> {
    diagnostics.iter().flat_map(|diagnostic| told_of(diagnostic, config)).collect()
}

fn told_of(diagnostic: &Diagnostic, config: &str) -> Vec<String> {
    let pid = std::process::id();
    let word = if diagnostic.is_error() { "Error" } else { "Warning" };
    let place = format!("reading file {config} at line {}", diagnostic.line);
    let said: Vec<&str> = diagnostic.reference.iter().map(|(_, text)| text.as_str()).collect();
    let said =
        if said.is_empty() && diagnostic.is_error() { vec![diagnostic.message.as_str()] } else { said };
    let mut lines: Vec<String> = said.iter().map(|text| format!("{word} [{pid}] {place}: {text}")).collect();
    lines.push(format!("    {}", diagnostic.in_one_line()));
    lines
}

/// `--check`: everything about a configuration on stdout, and the exit code.
pub(super) fn check(path: &Path, label: &str) -> (String, i32) {
    let loaded = match load_for(path, label, &Onlooker(LinuxMachine::new())) {
        Ok(loaded) => loaded,
        Err(error) => return (format!("{error}\n"), 1),
    };
    let mut out: String = loaded.diagnostics.iter().map(|d| format!("{}\n", d.render())).collect();
    let count = |level: fn(&Level) -> bool| loaded.diagnostics.iter().filter(|d| level(&d.level)).count();
    let (errors, warnings) = (count(|l| *l <= Level::Error), count(|l| *l > Level::Error));
    match &loaded.config {
        Some(config) => {
            let servers: usize = config.virtuals.iter().map(|virt| virt.reals.len()).sum();
            let services = config.virtuals.len();
            if config.global.warm_standby == WarmStandby::Loaded {
                out += &format!(
                    "{label}: warmstandby=loaded: who stands by has the services in the kernel's table too\n"
                );
            }
            out += &format!(
                "{label}: good: {services} virtual services, {servers} real servers, {warnings} warnings\n"
            );
            (out, 0)
        }
        None => (out + &format!("{label}: {errors} errors, {warnings} warnings\n"), 2),
    }
}

/// This machine, for who only looks: no file is made.
struct Onlooker(LinuxMachine);

impl Machine for Onlooker {
    fn resolve(&self, name: &str, family: crate::director::table::Family) -> Option<std::net::IpAddr> {
        self.0.resolve(name, family)
    }

    fn service(&self, name: &str, protocol: Option<crate::director::table::Protocol>) -> Option<u16> {
        self.0.service(name, protocol)
    }

    fn appendable(&self, path: &str) -> Result<(), String> {
        let file = Path::new(path);
        match file.exists() {
            true => self.0.appendable(path),
            false if file.parent().is_some_and(Path::is_dir) => Ok(()),
            false => Err("No such file or directory".to_owned()),
        }
    }

    fn is_directory(&self, path: &str) -> bool {
        self.0.is_directory(path)
    }

    fn hostname(&self) -> String {
        self.0.hostname()
    }
}
