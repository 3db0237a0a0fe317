//! What scripts and hooks find in their environment (resources.md section 6).
//!
//! The daemon hands over the variables of ha.cf; this adds what the shell layer of heartbeat adds.
//! Setting variables for a child is all that happens here; ours are never changed.

use crate::paths;
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

/// Behind the programs of heartbeat, which come first so that a script finds its helpers by name.
const PATH_FRONT: &str = "/usr/sbin:/usr/share/heartbeat";
/// Whatever the daemon was started with, the system's programs are found.
const PATH_BACK: &str = "/sbin:/bin:/usr/sbin:/usr/bin:/usr/ucb";

/// An environment for a child.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Environment(BTreeMap<OsString, OsString>);

/// Who reads the environment: paths below the hook dispatcher have the doubled slash that 3.0.6 gives them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layer {
    /// A hook in rc.d, run by harc.
    Hook,
    /// A resource script.
    Script {
        /// Below a hook.
        below_hook: bool,
    },
}

impl Environment {
    /// The environment of this process.
    pub fn of_this_process() -> Self {
        Self(std::env::vars_os().collect())
    }

    /// From pairs; later ones win.
    pub fn from_pairs(pairs: &[(String, String)]) -> Self {
        let mut environment = Self::default();
        environment.add_pairs(pairs);
        environment
    }

    /// Adds pairs. A name or value that no environment can hold is left out.
    pub fn add_pairs(&mut self, pairs: &[(String, String)]) {
        for (name, value) in pairs {
            self.set(name, value);
        }
    }

    /// Sets one variable.
    pub fn set(&mut self, name: &str, value: &str) {
        let holdable = !name.is_empty() && !name.contains(['=', '\0']) && !value.contains('\0');
        if holdable {
            self.0.insert(name.into(), value.into());
        }
    }

    /// Sets one variable where there is none.
    pub fn set_default(&mut self, name: &str, value: &str) {
        if !self.0.contains_key(OsStr::new(name)) {
            self.set(name, value);
        }
    }

    /// A variable, as text.
    pub fn get(&self, name: &str) -> Option<String> {
        self.0.get(OsStr::new(name)).map(|value| value.to_string_lossy().into_owned())
    }

    /// A variable that is set and not empty.
    pub fn get_filled(&self, name: &str) -> Option<String> {
        self.get(name).filter(|value| !value.is_empty())
    }

    /// Whether a variable is `yes`.
    pub fn is_yes(&self, name: &str) -> bool {
        self.get(name).as_deref() == Some("yes")
    }

    /// All variables.
    pub fn iter(&self) -> impl Iterator<Item = (&OsStr, &OsStr)> {
        self.0.iter().map(|(name, value)| (name.as_os_str(), value.as_os_str()))
    }

    /// This environment with what the shell layer adds for `layer`.
    #[must_use]
    pub fn dressed(&self, layer: Layer) -> Self {
        let mut dressed = self.clone();
        dressed.set_places(layer);
        dressed.set_default("HA_DATEFMT", "%Y/%m/%d_%T\t");
        dressed.set_default("OCF_ROOT", "/usr/lib/ocf");
        dressed.set_default("OCF_AGENTS", "/usr/lib/ocf/resource.d/heartbeat/");
        dressed.set_language();
        if dressed.get("HA_LOGFACILITY").as_deref() == Some("none") {
            dressed.set("HA_LOGFACILITY", "");
        }
        if dressed.get_filled("HA_DEBUGLOG").is_none() {
            dressed.set("HA_DEBUGLOG", "/dev/null");
        }
        dressed.set_path();
        dressed
    }

    fn set_places(&mut self, layer: Layer) {
        let (dir, below) = match layer {
            Layer::Hook => (paths::HA_DIR, paths::HA_DIR),
            Layer::Script { below_hook: true } => ("/etc/ha.d", paths::HA_DIR),
            Layer::Script { below_hook: false } => ("/etc/ha.d", "/etc/ha.d"),
        };
        self.set("HA_DIR", dir);
        self.set("HA_FUNCS", &format!("{dir}/shellfuncs"));
        self.set_default("HA_RCDIR", &format!("{below}/rc.d"));
        self.set_default("HA_RESOURCEDIR", &format!("{below}/resource.d"));
        self.set_default("HA_FIFO", paths::FIFO);
        self.set_default("HA_BIN", paths::LIBEXEC);
        self.set_default("HA_DOCDIR", "/usr/share/doc/heartbeat");
    }

    /// Scripts read the output of programs: it must be in the language they were written for.
    fn set_language(&mut self) {
        self.0.remove(OsStr::new("LANG"));
        self.0.remove(OsStr::new("LANGUAGE"));
        self.set("LC_ALL", "C");
    }

    fn set_path(&mut self) {
        let bin = self.get("HA_BIN").unwrap_or_default();
        let front = format!("{bin}:{PATH_FRONT}");
        let path = self.0.get(OsStr::new("PATH")).cloned().unwrap_or_default();
        if path.as_bytes().starts_with(front.as_bytes()) {
            return;
        }
        let mut whole = OsString::from(front);
        for part in [path.as_os_str(), OsStr::new(PATH_BACK)].into_iter().filter(|part| !part.is_empty()) {
            whole.push(":");
            whole.push(part);
        }
        self.0.insert("PATH".into(), whole);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(list: &[(&str, &str)]) -> Environment {
        let owned: Vec<_> = list.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        Environment::from_pairs(&owned)
    }

    #[test]
    fn scripts_below_a_hook_see_the_doubled_slash() {
        let base = pairs(&[("HA_DIR", "/etc/ha.d/"), ("PATH", "/bin")]);
        let below = base.dressed(Layer::Script { below_hook: true });
        assert_eq!(below.get("HA_RESOURCEDIR").unwrap(), "/etc/ha.d//resource.d");
        assert_eq!(below.get("HA_DIR").unwrap(), "/etc/ha.d");
        let beside = base.dressed(Layer::Script { below_hook: false });
        assert_eq!(beside.get("HA_RESOURCEDIR").unwrap(), "/etc/ha.d/resource.d");
        let hook = base.dressed(Layer::Hook);
        assert_eq!(hook.get("HA_FUNCS").unwrap(), "/etc/ha.d//shellfuncs");
        assert_eq!(hook.get("HA_DIR").unwrap(), "/etc/ha.d/");
    }

    #[test]
    fn dressing_twice_is_dressing_once() {
        let once = pairs(&[("PATH", "/opt/bin"), ("HA_LOGFACILITY", "none"), ("LANG", "de")])
            .dressed(Layer::Script { below_hook: false });
        assert_eq!(
            once.get("PATH").unwrap(),
            "/usr/libexec/heartbeat:/usr/sbin:/usr/share/heartbeat:/opt/bin:/sbin:/bin:/usr/sbin:/usr/bin:/usr/ucb"
        );
        assert_eq!(once.get("HA_LOGFACILITY").unwrap(), "");
        assert_eq!((once.get("LANG"), once.get("LC_ALL").as_deref()), (None, Some("C")));
        assert_eq!(once.dressed(Layer::Script { below_hook: false }), once);
    }

    #[test]
    fn what_no_environment_can_hold_is_left_out() {
        let odd = pairs(&[("A=B", "x"), ("", "x"), ("C", "nul\0"), ("D", "fine")]);
        assert_eq!(odd.iter().count(), 1);
    }
}
