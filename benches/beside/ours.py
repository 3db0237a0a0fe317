"""How to configure, start and command our daemon in the laboratory of ../shared/bench.

It is a drop-in: the same ha.cf, authkeys and haresources as the C daemon's adapter writes, so that what is compared
is the programs. The tree that `scripts/install` laid out lies over the node's directories; both nodes share its
files, as they share those of an installed package.
"""
import shutil
import sys
from pathlib import Path

from adapters import PEERS, Heartbeat, Timers


class HeartbeatRs(Heartbeat):
    name = "heartbeat-rs"
    timers = {"default": Timers(2000, 30000, "default"), "fast": Timers(20, 60, "fast")}
    tree = None                     # where scripts/install laid our programs out; set by beside.py
    overlaid = ("/usr/libexec/heartbeat", "/usr/share/heartbeat")

    def configure(self, node):
        for path in self.overlaid:
            done = node.run(["mount", "--bind", f"{self.tree}{path}", path])
            if done.returncode:
                sys.exit(f"cannot lay our programs over {path}: {done.stdout}")
        shutil.copytree(f"{self.tree}/etc/ha.d", node.path("/etc/ha.d"), dirs_exist_ok=True, symlinks=True)
        etc = node.path("/etc/ha.d")
        (etc / "ha.cf").write_text(self.ha_cf())
        (etc / "authkeys").write_text("auth 1\n1 sha1 secret\n")
        (etc / "authkeys").chmod(0o600)
        (etc / "haresources").write_text(self.haresources())

    def ready(self):
        states = ("all", "local", "foreign", "none")
        return all(node.run([f"{self.tree}/usr/bin/cl_status", "rscstatus"]).stdout.strip() in states
                   for node in self.lab.nodes)

    @classmethod
    def prepare(cls, tree):
        """To be called once, before a laboratory: the places that the tree is laid over must be there."""
        cls.tree = tree
        for path in cls.overlaid:
            Path(path).mkdir(parents=True, exist_ok=True)


PEERS[HeartbeatRs.name] = HeartbeatRs
