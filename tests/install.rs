//! `scripts/install`, and its tree laid over roots as people lay trees over roots.

#![allow(clippy::unwrap_used, reason = "in a test program a panic is a failure that points at its line")]

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/install");
/// Every program of the package.
const PROGRAMS: [&str; 13] = [
    "heartbeat",
    "hb_tool",
    "ipfail",
    "dopd",
    "drbd-peer-outdater",
    "ipvs_sync",
    "cl_status",
    "cl_respawn",
    "IPaddr",
    "IPaddr2",
    "IPv6addr",
    "SendArp",
    "ldirectord",
];
/// What stands for a built program.
const PROGRAM: &str = "#!/bin/sh\n";

/// A directory with programs that pretend, and room for trees.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        for program in PROGRAMS {
            place.file(&format!("bin/{program}"), PROGRAM, 0o755);
        }
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn file(&self, name: &str, text: &str, mode: u32) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    fn install(&self, arguments: &[&str]) -> Output {
        let bin = self.path("bin");
        Command::new(SCRIPT).arg("--bin-dir").arg(bin).args(arguments).output().unwrap()
    }

    /// The tree D.
    fn tree(&self) -> PathBuf {
        let tree = self.path("D");
        let output = self.install(&["--destdir", tree.to_str().unwrap()]);
        assert!(output.status.success(), "{output:?}");
        tree
    }

    /// A root as Debian's packages leave it: merged /usr, files where we have links.
    fn debian(&self) -> PathBuf {
        self.file("root/usr/share/heartbeat/hb_standby", "debian", 0o755);
        self.file("root/etc/ha.d/harc", "debian", 0o755);
        self.file("root/etc/ha.d/resource.d/Filesystem", "debian", 0o755);
        self.file("root/etc/ha.d/ha.cf", "mine", 0o644);
        self.file("root/etc/ha.d/authkeys", "mine", 0o600);
        self.file("root/usr/lib/systemd/system/heartbeat.service", "debian", 0o644);
        self.file("root/usr/lib/heartbeat/plugins/HBauth/crc.so", "debian", 0o644);
        self.file("root/usr/libexec/heartbeat/heartbeat", "debian", 0o755);
        self.file("root/usr/lib64/ld-linux-x86-64.so.2", "debian", 0o755);
        let root = self.path("root");
        symlink("usr/lib", root.join("lib")).unwrap();
        symlink("usr/lib64", root.join("lib64")).unwrap();
        symlink("ha.d", root.join("etc/heartbeat")).unwrap();
        self.file("root/usr/sbin/ldirectord", "debian", 0o755);
        self.file("root/etc/ha.d/ldirectord.cf", "mine", 0o644);
        self.file("root/etc/default/ldirectord", "mine", 0o644);
        symlink("../../../usr/sbin/ldirectord", root.join("etc/ha.d/resource.d/ldirectord")).unwrap();
        fs::create_dir_all(root.join("var/lib/heartbeat/ccm")).unwrap();
        fs::set_permissions(root.join("var/lib/heartbeat/ccm"), fs::Permissions::from_mode(0o750)).unwrap();
        root
    }
}

fn sh(script: &str) {
    let output = Command::new("sh").args(["-ec", script]).output().unwrap();
    assert!(output.status.success(), "{script}: {output:?}");
}

/// Every path below a directory with its mode and, of a link, its target.
fn listing(dir: &Path) -> Vec<String> {
    let output = Command::new("find").arg(dir).args(["-printf", "%P %M %l\n"]).output().unwrap();
    let mut lines: Vec<_> = String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().permissions().mode() & 0o7777
}

#[test]
fn laid_over_a_root_in_any_way_it_is_all_there_and_spares_the_rest() {
    let ways = [
        ("cp", "cp -a D/. root/"),
        ("cp, twice", "cp -a D/. root/; cp -a D/. root/"),
        ("tar", "tar -C D -c . | tar -C root -x"),
        ("install itself", "SCRIPT --bin-dir bin --destdir root"),
    ];
    for (name, way) in ways {
        let place = Place::new();
        let (tree, root) = (place.tree(), place.debian());
        sh(&format!("cd {}; {}", place.0.path().display(), way.replace("SCRIPT", SCRIPT)));
        let laid = listing(&root);
        for line in listing(&tree).iter().filter(|line| !line.starts_with(' ')) {
            assert!(laid.contains(line), "{name}: {line}");
        }
        let read = |path: &str| fs::read_to_string(root.join(path)).unwrap();
        assert_eq!(read("usr/libexec/heartbeat/hb_tool"), PROGRAM, "{name}");
        assert_eq!(read("etc/ha.d/ha.cf"), "mine", "{name}");
        assert_eq!(read("etc/ha.d/resource.d/Filesystem"), "debian", "{name}");
        assert_eq!(read("usr/sbin/ldirectord"), PROGRAM, "{name}");
        assert_eq!(read("etc/ha.d/ldirectord.cf"), "mine", "{name}");
        assert_eq!(read("etc/default/ldirectord"), "mine", "{name}");
        assert_eq!(
            read("usr/share/heartbeat/resource.d/ldirectord"),
            include_str!("../resource.d/ldirectord"),
            "{name}"
        );
        assert!(read("lib/systemd/system/heartbeat.service").contains("Type=notify"), "{name}");
        assert_eq!(fs::read_link(root.join("lib")).unwrap(), Path::new("usr/lib"), "{name}");
        assert_eq!(fs::read_link(root.join("lib64")).unwrap(), Path::new("usr/lib64"), "{name}");
        assert!(root.join("lib64/heartbeat/../heartbeat/plugins/HBauth/crc.so").exists(), "{name}");
        assert_eq!(mode(&root.join("var/lib/heartbeat/ccm")), 0o750, "{name}");
    }
}

#[test]
fn every_link_leads_to_something_in_the_tree() {
    let place = Place::new();
    let tree = place.tree();
    let links = listing(&tree).into_iter().filter(|l| l.contains(" l"));
    let mut seen = 0;
    for link in links {
        let path = link.split(' ').next().unwrap();
        let mut target = fs::read_link(tree.join(path)).unwrap();
        if target.is_absolute() {
            target = tree.join(target.strip_prefix("/").unwrap());
        } else {
            target = tree.join(path).parent().unwrap().join(target);
        }
        // a chain may go on: it must not end nowhere
        assert!(fs::symlink_metadata(&target).is_ok(), "{link}");
        seen += 1;
    }
    assert!(seen > 20, "{seen} links");
}

#[test]
fn again_changes_nothing_and_a_private_directory_becomes_a_public_root() {
    let place = Place::new();
    fs::create_dir(place.path("D")).unwrap();
    fs::set_permissions(place.path("D"), fs::Permissions::from_mode(0o700)).unwrap();
    let tree = place.tree();
    assert_eq!(mode(&tree), 0o755);
    assert_eq!(mode(&tree.join("var/lib/heartbeat/cores/root")), 0o700);
    let first = listing(&tree);
    place.tree();
    assert_eq!(listing(&tree), first);
    assert!(!first.iter().any(|l| l.contains(".new")
        || l.starts_with("run")
        || l.starts_with("lib ")
        || l.starts_with("var/run")));
}

#[test]
fn a_tight_umask_does_not_show() {
    let place = Place::new();
    let d = place.path("D");
    sh(&format!("umask 077; {SCRIPT} --bin-dir {} --destdir {}", place.path("bin").display(), d.display()));
    assert_eq!(mode(&d.join("etc/ha.d/rc.d")), 0o755);
    assert_eq!(mode(&d.join("usr/libexec/heartbeat/heartbeat")), 0o755);
}

#[test]
fn a_program_is_replaced_and_not_written_into() {
    let place = Place::new();
    let tree = place.tree();
    let program = tree.join("usr/libexec/heartbeat/heartbeat");
    fs::hard_link(&program, place.path("old")).unwrap();
    place.file("bin/heartbeat", "new", 0o755);
    place.tree();
    assert_eq!(fs::read_to_string(program).unwrap(), "new");
    assert_eq!(fs::read_to_string(place.path("old")).unwrap(), PROGRAM);
}

#[test]
fn mistakes_are_named() {
    let place = Place::new();
    fs::remove_file(place.path("bin/dopd")).unwrap();
    let d = place.path("D");
    let d = d.to_str().unwrap();
    let cases: [(&[&str], i32, &str); 4] = [
        (&[], 2, "--destdir is missing"),
        (&["--destdir"], 2, "--destdir needs a directory"),
        (&["--destdir", d, "--nonsense"], 2, "unknown argument '--nonsense'"),
        (&["--destdir", d], 1, "has no program 'dopd'"),
    ];
    for (arguments, code, text) in cases {
        let output = place.install(arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
        assert!(said.contains(text), "{arguments:?}: {said}");
    }
    assert!(!Path::new(d).exists(), "nothing is laid out after a mistake");
    let help = place.install(&["--help"]);
    assert!(help.status.success() && help.stderr.is_empty());
}

#[test]
fn users_are_made_where_they_are_asked_for_only() {
    let place = Place::new();
    place.file("chroot/etc/passwd", "root:x:0:0:root:/root:/bin/sh\n", 0o644);
    place.file("chroot/etc/group", "root:x:0:\n", 0o644);
    let root = place.path("chroot");
    let passwd = || fs::read_to_string(root.join("etc/passwd")).unwrap();
    assert!(place.install(&["--destdir", root.to_str().unwrap()]).status.success());
    assert!(!passwd().contains("hacluster"));
    let asked = || place.install(&["--users", "--destdir", root.to_str().unwrap()]);
    let output = asked();
    if !nix::unistd::geteuid().is_root() {
        assert!(String::from_utf8_lossy(&output.stderr).contains("--users needs root"));
        return;
    }
    assert!(output.status.success(), "{output:?}");
    assert!(passwd().contains("hacluster:"), "{}", passwd());
    assert!(fs::read_to_string(root.join("etc/group")).unwrap().contains("haclient:"));
    let before = passwd();
    assert!(asked().status.success());
    assert_eq!(passwd(), before);
}

#[test]
fn cl_status_has_the_group_of_the_target_where_there_is_one() {
    let place = Place::new();
    place.file("chroot/etc/group", "root:x:0:\nhaclient:x:4711:\n", 0o644);
    for (root, group) in [("chroot", Some(4711)), ("plain", None)] {
        for _ in 0..2 {
            assert!(place.install(&["--destdir", place.path(root).to_str().unwrap()]).status.success());
            let program = place.path(root).join("usr/bin/cl_status");
            let owner = fs::metadata(&program).unwrap().gid();
            match group.filter(|_| nix::unistd::geteuid().is_root()) {
                Some(group) => assert_eq!((mode(&program), owner), (0o2555, group)),
                None => assert_eq!(mode(&program), 0o755),
            }
        }
    }
}
