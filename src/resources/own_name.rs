//! The name of this node, by one rule for the daemon and the tools (wire-protocol.md 4.4).

use crate::{logging, paths};

/// The first line of `nodeinfo` as it is, where it has one that is not empty; else `uname -n` in lower case.
pub fn own_name() -> String {
    told_by(&std::fs::read(paths::NODEINFO).unwrap_or_default())
        .unwrap_or_else(|| logging::host().to_lowercase())
}

/// A line ends with a line break: 3.0.6 takes no other.
fn told_by(nodeinfo: &[u8]) -> Option<String> {
    let end = nodeinfo.iter().position(|&byte| byte == b'\n')?;
    let name = nodeinfo.get(..end).filter(|name| !name.is_empty())?;
    Some(String::from_utf8_lossy(name).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_line_counts_as_it_is() {
        let told = |text: &str| told_by(text.as_bytes());
        assert_eq!(told("b9\nb8\n").as_deref(), Some("b9"));
        assert_eq!(told(" B9\t\n").as_deref(), Some(" B9\t"));
        assert_eq!([told(""), told("b9"), told("\nb9\n")], [None, None, None]);
    }
}
