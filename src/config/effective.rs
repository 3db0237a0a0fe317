//! What `heartbeat -D`, `-DW` and `-v` print (commands.md section 1). Text out; printing is for others.

use super::directive::{DIRECTIVES, find};
use super::model::Config;

/// `heartbeat -D`: the directives that have a default.
pub fn directive_table() -> String {
    let mut out = format!("{:<24} {:<9} {}\n", "Directive", "Default", "Description");
    out.push_str(&"-".repeat(80));
    out.push('\n');
    for directive in DIRECTIVES {
        if let Some(default) = directive.default {
            out.push_str(&format!(
                "{:<24} {default:<9} {}\n",
                directive.name, directive.about
            ));
        }
    }
    out
}

/// `heartbeat -DW`: the same as a table for a wiki.
pub fn directive_wiki() -> String {
    let mut out = String::from("||''Directive''||''Default''||''Description''||\n");
    for directive in DIRECTIVES {
        if let Some(default) = directive.default {
            out.push_str(&format!(
                "||{}||{default}||{}||\n",
                directive.name, directive.about
            ));
        }
    }
    out
}

/// `heartbeat -v`: the configuration in force.
pub fn effective(config: &Config) -> String {
    let name = &config.this_node;
    let rule = "#---------------------------------------------------\n";
    let mut out = format!("#\n#\tLinux-HA heartbeat configuration (on {name})\n#\n\n{rule}");
    out.push_str("#\n#\tHA configuration and status\n#\n");
    for (name, text) in &config.parameters {
        let about = find(name).map_or("", |directive| directive.about);
        out.push_str(&format!("{name}\t{text}\t#\t{about}\n"));
    }
    out.push_str("#\n#\tHA Cluster nodes:\n#\n");
    for node in &config.nodes {
        out.push_str(&format!("node {}\t#\t current status: init\n", node.name));
    }
    out.push_str("#\n#\tCommunications media:\n#\n");
    let media = config.media.iter().map(|medium| {
        let (what, word, link) = (medium.description(), medium.directive(), medium.link());
        format!("# {what} heartbeat channel -------------\n{word} {link}\n")
    });
    out.push_str(&media.collect::<Vec<_>>().join("#\n"));
    out.push_str(rule);
    out
}
