//! The house's texts: a link leads somewhere, and what they say of the house's own files is so.

use crate::tree::{below, root};

/// Each relative link of a Markdown text whose target is not there.
fn dead_links(path: &str, text: &str) -> Vec<String> {
    let home = root().join(path);
    let home = home.parent().map(ToOwned::to_owned).unwrap_or_default();
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split([')', '#', ' ']).next());
    let local = targets.filter(|t| !t.is_empty() && !t.contains("://") && !t.starts_with("mailto:"));
    local.filter(|t| !home.join(t).exists()).map(|t| format!("{path}: {t}")).collect()
}

#[test]
fn links_lead_somewhere() {
    let top = std::fs::read_dir(root()).into_iter().flatten().flatten();
    let top = top.map(|e| e.file_name().to_string_lossy().into_owned()).filter(|n| n.ends_with(".md"));
    let docs = below("docs").into_iter().map(|f| f.path).filter(|p| p.ends_with(".md"));
    let texts: Vec<String> = top.chain(docs).collect();
    assert!(texts.contains(&"README.md".to_owned()));
    let read = |p: &String| std::fs::read_to_string(root().join(p)).unwrap_or_default();
    let found: Vec<String> = texts.iter().flat_map(|p| dead_links(p, &read(p))).collect();
    crate::hold("a link that leads nowhere", &found);
}

/// Test programs that the table in docs/architecture.md does not name.
fn untold(programs: &[String], text: &str) -> Vec<String> {
    let is_told = |name: &&String| ["`", "/"].iter().any(|before| text.contains(&format!("{before}{name}`")));
    programs.iter().filter(|name| !is_told(name)).cloned().collect()
}

#[test]
fn each_test_program_is_told_of() {
    let programs =
        below("tests").into_iter().filter_map(|f| f.path.strip_prefix("tests/").map(str::to_owned));
    let programs: Vec<String> = programs.filter(|p| !p.contains('/') && p.ends_with(".rs")).collect();
    assert!(programs.contains(&"netns.rs".to_owned()));
    let text = std::fs::read_to_string(root().join("docs/architecture.md")).unwrap_or_default();
    crate::hold("a test program that docs/architecture.md does not name", &untold(&programs, &text));
}

#[test]
fn this_law_can_fail() {
    let programs = ["api.rs", "pulse.rs", "cl_api.rs"].map(str::to_owned);
    assert_eq!(untold(&programs, "`tests/pulse.rs`, `cl_api.rs`"), ["api.rs"]);
    assert_eq!(dead_links("README.md", "see [it](docs/no-such.md#there)"), ["README.md: docs/no-such.md"]);
    assert!(dead_links("README.md", "[a](Cargo.toml) [b](https://example.org/x) [c](#here)").is_empty());
}
