//! The recorder: every call of a resource script, with its arguments and environment.
//!
//! Two kinds of script are recorded. `probe` is a resource of its own: it keeps its state in a file
//! under /run and does nothing else. `IPaddr2` is the node's own agent behind a recorder that steps
//! aside (`exec`) once it has taken its note.

use super::{Failure, Node};

/// One line a call.
pub(crate) const FILE: &str = "/var/log/lab/calls";
/// Between the fields of a line.
const FIELD: char = '\u{1f}';

/// A call as the script saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Call {
    /// Milliseconds since 1970.
    pub(crate) at: u64,
    /// The script's name.
    pub(crate) script: String,
    /// Its arguments, the operation last.
    pub(crate) arguments: String,
    /// `HA_…`, `OCF_…`, `LC_ALL`, `PATH`, `PWD`, sorted; and the umask.
    pub(crate) environment: Vec<String>,
}

/// Takes the note. Its own variables are unset again, so that the agent behind it sees none of them.
const RECORD: &str = r#"
lab_env=$(env | grep -E '^(HA_|OCF_|LC_ALL=|PATH=|PWD=)' | LC_ALL=C sort | tr '\n\t' '\037 ')
printf '%s\037%s\037%s\037umask=%s\037%s\n' "$(date +%s%3N)" "${0##*/}" "$*" "$(umask)" "$lab_env" >>/var/log/lab/calls
unset lab_env
"#;

const PROBE: &str = r#"#!/bin/sh
# probe [ARGUMENT...] OPERATION: a resource that only keeps its state
. /etc/ha.d/lab/record
for operation; do :; done
state=/run/probe$(echo "$*" | sed "s/ *$operation\$//; s/[^[:alnum:]]/_/g")
case $operation in
start) touch "$state" ;;
stop) rm -f "$state" ;;
status) if [ -e "$state" ]; then echo running; else echo stopped; fi ;;
*) exit 1 ;;
esac
"#;

const WRAPPER: &str = "#!/bin/sh\n. /etc/ha.d/lab/record\nexec /etc/ha.d/lab/${0##*/} \"$@\"\n";

/// Put the recorders into a node.
pub(crate) fn install(node: &Node) -> Result<(), Failure> {
    node.must(&[
        "sh",
        "-c",
        "mkdir -p /etc/ha.d/lab && mv /etc/ha.d/resource.d/IPaddr2 /etc/ha.d/lab/IPaddr2",
    ])?;
    node.write("/etc/ha.d/lab/record", RECORD, 0o644)?;
    node.write("/etc/ha.d/resource.d/probe", PROBE, 0o755)?;
    node.write("/etc/ha.d/resource.d/IPaddr2", WRAPPER, 0o755)?;
    node.write(FILE, "", 0o644)
}

/// The calls in the text of [`FILE`].
pub(crate) fn parse(text: &str) -> Vec<Call> {
    text.lines().filter_map(parse_line).collect()
}

fn parse_line(line: &str) -> Option<Call> {
    let mut fields = line.split(FIELD);
    Some(Call {
        at: fields.next()?.parse().ok()?,
        script: fields.next()?.to_owned(),
        arguments: fields.next()?.to_owned(),
        environment: fields.filter(|f| !f.is_empty()).map(|f| f.trim_end().to_owned()).collect(),
    })
}
