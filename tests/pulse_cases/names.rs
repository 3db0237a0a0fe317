//! A name server that does not answer.

use super::*;

/// Packets to 10.80.0.8 go to nobody.
const NOBODY: &str = "ip neigh replace 10.80.0.8 lladdr 02:00:00:00:00:99 dev eth0 nud permanent";
/// In one go: meanwhile nothing can be heard of the node.
const ANEW: &str = "\
printf 'link set eth0 down\nlink set eth0 up\naddr replace 10.80.0.1/24 brd + dev eth0\n' | ip -batch -";
/// Names are asked there only.
const BLACK_HOLE: &str = "\
rm -f /etc/resolv.conf && echo 'nameserver 10.80.0.8' > /etc/resolv.conf
sed -i '/^hosts:/d' /etc/nsswitch.conf && echo 'hosts: files dns' >> /etc/nsswitch.conf";

#[test]
fn names_are_looked_up_where_nobody_waits() {
    let Some(world) = World::new("name-server", "", HARESOURCES) else { return };
    let one = world.one();
    shell(one, NOBODY);
    shell(one, BLACK_HOLE);
    let asked = Asked::count(one);
    world.lab.nodes().iter().for_each(|node| node.start().unwrap());
    world.settle();
    let mark = one.log().len();
    world.unharmed("clients and media without names", || {
        assert_eq!(shell(one, "cl_status listnodes").lines().count(), 2);
        // The medium is opened anew.
        shell(one, ANEW);
        shell(one, &format!("touch /etc/ha.d/authkeys; {HANG_UP}"));
        one.wait_for_log("Rereading authentication file.", mark, SOON).unwrap();
        world.for_long();
    });
    assert_eq!(asked.questions(), 0, "nothing here has a name to be looked up");
    // Forgotten with the interface.
    shell(one, NOBODY);
    let mark = one.log().len();
    world.unharmed("a name that nobody knows", || {
        shell(one, "echo 'ucast eth0 peer.example.org' >> /etc/ha.d/ha.cf");
        shell(one, HANG_UP);
        world.until("the name server is asked", || asked.questions() > 0);
        one.wait_for_log("going on with the configuration of the last start", mark, SOON).unwrap();
    });
}

/// The questions to the name server that leave a node.
struct Asked(lab::node::Running, tempfile::TempPath);

impl Asked {
    fn count(node: &Node) -> Self {
        let (file, path) = tempfile::NamedTempFile::new().unwrap().into_parts();
        let mut command = node.stage().enter(&[]);
        command.args(["tcpdump", "-i", "any", "-n", "-l", "--immediate-mode", "udp port 53"]);
        let script = format!("exec \"$@\" > {}", path.display());
        let mut shell = std::process::Command::new("sh");
        shell.args(["-c", &script, "sh"]).arg(command.get_program()).args(command.get_args());
        drop(file);
        Self(lab::node::spawn(shell).unwrap(), path)
    }

    fn questions(&self) -> usize {
        let _ = &self.0;
        fs::read_to_string(&self.1).unwrap().lines().count()
    }
}
