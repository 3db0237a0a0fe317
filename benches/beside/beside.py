#!/usr/bin/env python3
"""Measure ours beside the C daemon and keepalived, in one run. Called by scripts/bench, which has built everything.

  --peer A,B        of these programs (heartbeat-rs, heartbeat, keepalived, ucarp, ...)
  --scenario A,B    of: crash, vips, switch, start, steady, hold, linear; the default is all of them
  --timers A,B      instead of those a scenario is planned with: default, fast, 1s, 100ms or KEEPALIVE:DEADTIME
  --runs N          how often each (default 3)
  --long            fast timers are to hold for ten minutes, idle is looked at for five; 10 runs
  --lab NAME        prefix of the namespaces' names; two runs of one clone exclude each other
  --json FILE       where the rows go (default target/bench/DATE.json)
  --show FILE       print the tables of such a file, measure nothing
  --markdown        tables for docs/performance.md
"""
import argparse
import hashlib
import json
import os
import platform
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

HERE = Path(__file__).resolve().parent
HOME = HERE.parent.parent

# what is measured by default: scenario, timers, programs (None: all that were asked for)
PLAN = [
    ("start", "100ms", None),
    ("crash", "100ms", None),
    ("crash", "fast", None),
    ("crash", "default", None),
    ("switch", "100ms", None),
    ("vips", "100ms", None),
    ("steady", "1s", None),
    ("hold", "fast", None),
    ("linear", "100ms", ["heartbeat-rs"]),
]
NEEDS = {"heartbeat": "heartbeat resource-agents", "keepalived": "keepalived", "ucarp": "ucarp",
         "pacemaker": "pacemaker corosync"}
PROGRAMS = {"heartbeat": "/usr/libexec/heartbeat/heartbeat", "keepalived": "/usr/sbin/keepalived",
            "ucarp": "/usr/sbin/ucarp", "pacemaker": "/usr/sbin/pacemakerd"}
TOOLS = {"ip": "iproute2", "tc": "iproute2", "cc": "gcc libc6-dev", "nsenter": "util-linux", "unshare": "util-linux",
         "setpriv": "util-linux", "tail": "coreutils", "timeout": "coreutils", "hostname": "hostname"}


def arguments():
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("--peer", "--scenario", "--timers", "--json", "--show", "--lab"):
        parser.add_argument(name, help=argparse.SUPPRESS)
    parser.add_argument("--runs", type=int, help=argparse.SUPPRESS)
    for name in ("--long", "--markdown"):
        parser.add_argument(name, action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    asked.peer = (asked.peer or "heartbeat-rs,heartbeat,keepalived").split(",")
    return asked


def missing(asked, known):
    """What stands in the way, each with its remedy."""
    if os.geteuid() != 0:
        yield "root: namespaces and routes are made"
    unknown = [p for p in asked.peer if p not in known]
    if unknown:
        yield f"no program {', '.join(unknown)}: there are {', '.join(known)}"
    packages = {TOOLS[tool] for tool in TOOLS if not shutil.which(tool)}
    packages |= {NEEDS[p] for p in asked.peer if p in NEEDS and not Path(PROGRAMS[p]).exists()}
    if packages:
        yield (f"packages: apt-get install --no-install-recommends {' '.join(sorted(packages))} (with a policy-rc.d that "
               "exits 101, so that no service starts), or measure fewer programs: --peer heartbeat-rs")
    if "heartbeat-rs" in asked.peer and not re.search(r"^haclient:", Path("/etc/group").read_text(), re.M):
        yield "the user hacluster and the group haclient: scripts/install --destdir / --users, or Debian's heartbeat"


def plan(asked, scenarios, peers):
    """(scenario, timers' name, peer's class)"""
    wanted = asked.scenario.split(",") if asked.scenario else [s for s, *_ in PLAN]
    for name in wanted:
        if name not in scenarios:
            sys.exit(f"scripts/bench: no scenario {name}: there are {', '.join(scenarios)}")
    planned = [entry for entry in PLAN if entry[0] in wanted]
    planned += [(name, "100ms", None) for name in wanted if name not in [s for s, *_ in PLAN]]
    if asked.timers:
        scenario_only = dict.fromkeys((s, tuple(only or ())) for s, _, only in planned)
        planned = [(s, t, only or None) for s, only in scenario_only for t in asked.timers.split(",")]
    for scenario, timers, only in planned:
        for name in asked.peer:
            if only is None or name in only:
                yield scenario, timers, peers[name]


def machine():
    cpu = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.M)
    commit = subprocess.run(["git", "-C", HOME, "describe", "--always", "--dirty"], text=True, capture_output=True).stdout.strip()
    return {"cpu": cpu.group(1) if cpu else platform.machine(), "cores": os.cpu_count(), "kernel": platform.release(),
            "commit": commit, "date": time.strftime("%F %T %Z"), "load": os.getloadavg()[0]}


def reproduced(asked, scenario, timers, peer, runs):
    """The command that measures this again."""
    words = ["scripts/bench", "--scenario", scenario, "--timers", timers, "--peer", peer, "--runs", str(runs)]
    return shlex.join(words + (["--long"] if asked.long else []))


def measure(asked, peers_py):
    runs = asked.runs or (10 if asked.long else 3)
    args = SimpleNamespace(lab=asked.lab, runs=runs, vips=[200], loss=[5], seconds=300 if asked.long else 60,
                           hold_seconds=600 if asked.long else 60, linear=[10, 100, 200, 500, 1000])
    told = {"machine": machine(), "command": shlex.join(["scripts/bench", *sys.argv[1:]]), "commands": [], "rows": []}
    for scenario, timers_name, peer in plan(asked, peers_py.SCENARIOS, peers_py.PEERS):
        timers = peers_py.timers_of(peer, timers_name)
        # one look at an idle pair is long enough to be its own average
        args.runs = 1 if scenario == "steady" else runs
        rows = peers_py.measure(args, peer, scenario, timers)
        told["rows"] += [{**row, "at": time.strftime("%F %T"), "load": os.getloadavg()[0]} for row in rows]
        told["commands"].append(reproduced(asked, scenario, timers_name, peer.name, args.runs))
        keep(asked.json, told)
    told["machine"]["load at the end"] = os.getloadavg()[0]
    keep(asked.json, told)
    return told


def keep(path, told):
    """After each scenario: a run that is cut off has what it had."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(".new")
    new.write_text(json.dumps(told, indent=1) + "\n")
    new.replace(path)


def show(told, as_markdown):
    from claims import comparison, markdown, plain, verdicts
    table = markdown if as_markdown else plain
    m = told["machine"]
    print(f"{m['date']}, commit {m['commit']}, {m['cores']} x {m['cpu']}, kernel {m['kernel']}, "
          f"load {m['load']:.1f} before, {m.get('load at the end', m['load']):.1f} after\n")
    print(table(comparison([r for r in told["rows"] if r["runs"]])) + "\n")
    for row in told["rows"]:
        if not row["runs"]:
            print(f"{row['peer']}, {row['scenario']} {row['keepalive_ms']}:{row['deadtime_ms']}: {row['metric']}\n")
    print(table(verdicts(told["rows"])))
    lines = [f"    {c}" for c in told["commands"]]
    print("\nEach again by itself:\n\n" + "\n".join(lines))


def main():
    asked = arguments()
    sys.path[:0] = [str(HERE)]
    if asked.show:
        return show(json.loads(Path(asked.show).read_text()), asked.markdown)
    sys.path.append(os.environ["BENCH_SHARED"])
    import scenarios  # noqa: F401  (adds ours to those of peers.py)
    import peers as peers_py
    from ours import HeartbeatRs
    if hindrances := list(missing(asked, peers_py.PEERS)):
        sys.exit("scripts/bench: missing:\n" + "\n".join(f"  - {h}" for h in hindrances))
    tree = Path(os.environ["BENCH_TREE"])
    # Namespaces have names that the whole machine shares: each clone its own.
    asked.lab = asked.lab or "h" + hashlib.sha1(str(HOME).encode()).hexdigest()[:4]
    asked.json = asked.json or str(tree.parent / time.strftime("%Y%m%d-%H%M%S.json"))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))     # so that the laboratory is taken down
    HeartbeatRs.prepare(tree)
    show(measure(asked, peers_py), asked.markdown)
    print(f"\nrows: {asked.json} (print again: scripts/bench --show {asked.json} [--markdown])")


if __name__ == "__main__":
    main()
