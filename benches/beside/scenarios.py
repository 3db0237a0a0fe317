"""What ../shared/bench does not measure and we claim: how long from "dead" to the address, whether fast timers hold
on a busy machine, what many addresses cost. Each is a generator of rows, as those of peers.py are.
"""
import os
import re
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager

import adapters
import lab
import peers
from peers import SCENARIOS, Failed, Session, wait_for

ATTEMPTS = 4                        # a pair that does not come to rest is set up so often
SPINNERS = 2                        # so many processes that only burn CPU: "load 2"


def vip(index):
    """As lab.vip, which has room for 210: the others lie in the networks beside."""
    return f"10.80.{index // 200}.{20 + index % 200}"


lab.vip = adapters.vip = peers.vip = vip


class Watch(lab.Watch):
    """Its threads may come late on a busy machine: what is asked for is waited for a moment."""

    def added(self, index, since):
        until = time.monotonic() + 1
        while not (times := super().added(index, since)) and time.monotonic() < until:
            time.sleep(0.01)
        return times


peers.Watch = Watch


def patiently(scenario):
    """The same, and a pair that was not at rest when it should be measured first is set up again: keepalived now and
    then elects the other node, or takes over 200 addresses while both live."""
    def measured(args, peer, timers):
        for attempt in range(1, ATTEMPTS + 1):
            measured_any = False
            try:
                for row in scenario(args, peer, timers):
                    measured_any = True
                    yield row
                return
            except Failed as problem:
                if measured_any or attempt == ATTEMPTS:
                    raise
                print(f"  {peer.name} {timers.name}: once more: {problem}", file=sys.stderr, flush=True)
    return measured


def scenario_crash(args, peer, timers):
    for row in peers.scenario_crash(args, peer, timers):
        if "detected (logged)" in row:
            row["dead to address up"] = row["address added"] - row["detected (logged)"]
        yield row


@contextmanager
def busy(count=SPINNERS):
    """A machine on which `count` ordinary processes want a CPU each all the time."""
    spinners = [subprocess.Popen(["timeout", "7200", "sh", "-c", "while :; do :; done"]) for _ in range(count)]
    try:
        yield
    finally:
        for spinner in spinners:
            spinner.terminate()     # timeout hands it on
            spinner.wait()


def scenario_hold(args, peer, timers):
    """False deaths within --hold-seconds on a busy machine, then crashes there."""
    with Session(args, peer, timers) as s, busy():
        s.start()
        at = time.monotonic()
        said = [deaths(s.peer, node) for node in s.lab.nodes]
        time.sleep(args.hold_seconds)
        told = sum(deaths(s.peer, node) - before for node, before in zip(s.lab.nodes, said))
        yield {f"false deaths at load {SPINNERS}": told, f"false takeovers at load {SPINNERS}": len(s.watch.added(2, at)),
               f"held for, s (at load {SPINNERS})": args.hold_seconds, "load average": os.getloadavg()[0]}
        for _ in range(args.runs):
            yield {f"outage at load {SPINNERS}": s.crash()["outage"]}
            time.sleep(s.peer.settle())
            s.failback()


def deaths(peer, node):
    """How often this node's log says that the other one is dead."""
    return len(re.findall(peer.detected, node.path(peer.log).read_text(errors="replace")))


class Announcements:
    """When each address was first announced to the client: gratuitous ARP, heard on the wire."""

    def __init__(self, laboratory):
        self.first = {}
        self.socket = lab.socket_in(laboratory.client, socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0806))
        self.socket.setsockopt(socket.SOL_SOCKET, 33, 4 << 20)      # SO_RCVBUFFORCE
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        while True:
            try:
                frame = self.socket.recv(128)
            except OSError:
                return
            at = time.monotonic()
            if len(frame) >= 42 and frame[28:32] == frame[38:42]:
                self.first.setdefault(socket.inet_ntoa(frame[28:32]), at)

    def close(self):
        self.socket.close()


def scenario_linear(args, peer, timers):
    """A crash with more and more addresses: when the survivor has them all, and has announced them all."""
    for count in args.linear:
        for _ in range(args.runs):
            yield many(args, peer, timers, count)


def many(args, peer, timers, count):
    with Session(args, peer, timers, vips=count) as s:
        # The client asks for one; that the others are there the kernel tells, and that they are announced the wire.
        s.probe.close()
        s.probe = lab.Probe(s.lab, 1)
        for node in s.lab.nodes:
            s.peer.start(node)
        s.calm(s.one)
        heard, at = Announcements(s.lab), s.one.power_off()
        mine = set(s.peer.addresses)
        wait_for(f"{count} addresses on the survivor", lambda: len(s.watch.added(2, at)) >= count, s.patience)
        wait_for(f"{count} addresses announced", lambda: mine <= set(heard.first), s.patience)
        added, last = s.watch.added(2, at), max(heard.first[a] for a in mine)
        heard.close()
        return {f"{count} addresses: first to last up": added[-1] - added[0],
                f"{count} addresses: first up to last announced": last - added[0],
                f"{count} addresses: crash to last announced": last - at}


SCENARIOS.update(crash=scenario_crash, hold=scenario_hold, linear=scenario_linear,
                 switch=patiently(peers.scenario_switch), vips=patiently(peers.scenario_vips))
peers.PLAIN += ("false", "held for", "load average")
