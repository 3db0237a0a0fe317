"""What we claim ("In milliseconds", the Shows), each as a limit on what one run measured; and the two tables.

A claim whose scenario was not in the run is left out; one that lacks another program's figure says so. Both neither
hold nor fail.
"""
OURS, C, KEEPALIVED = "heartbeat-rs", "heartbeat", "keepalived"


class Measured:
    """The medians of one run, by (peer, scenario, metric, timers)."""

    def __init__(self, rows):
        self.rows = rows
        self.medians = {(r["peer"], r["scenario"], r["metric"], r["timers"]): r["median"] for r in rows}
        self.most = {(r["peer"], r["scenario"], r["metric"], r["timers"]): max(r["values"], default=None) for r in rows}

    def of(self, peer, scenario, metric, timers):
        return self.medians.get((peer, scenario, metric, timers))

    def worst(self, peer, scenario, metric, timers):
        return self.most.get((peer, scenario, metric, timers))


def claims(m):
    """(claim, limit, measured, unit): the limit is None where what it is measured by was not in the run."""
    crash = lambda peer, metric="outage": m.of(peer, "crash", metric, "100ms")
    vips = lambda peer: m.of(peer, "vips", "200 VIPs: last address answers", "100ms")
    steady = lambda peer, metric: m.of(peer, "steady", metric, "1s")
    linear = lambda count: m.of(OURS, "linear", f"{count} addresses: first up to last announced", "100ms")
    scaled = lambda value, factor: None if value is None else value * factor
    plus = lambda value, more: None if value is None else value + more
    up = "dead to address up"
    yield "crash at 100:500 ms: outage", 520, crash(OURS), "ms"
    yield "the same: keepalived's + 35 ms", plus(crash(KEEPALIVED), 35), crash(OURS), "ms"
    yield "\"dead\" to address up", 5, crash(OURS, up), "ms"
    yield "the same: 1/50 of the C daemon's", scaled(crash(C, up), 1 / 50), crash(OURS, up), "ms"
    yield "20:60 ms at load 2: false deaths", 0, m.worst(OURS, "hold", "false deaths at load 2", "fast"), ""
    yield "20:60 ms at load 2: outage", 75, m.of(OURS, "hold", "outage at load 2", "fast"), "ms"
    yield "200 addresses, last answer: keepalived's", vips(KEEPALIVED), vips(OURS), "ms"
    yield "the same: 1/50 of the C daemon's", scaled(vips(C), 1 / 50), vips(OURS), "ms"
    yield "1 000 addresses: 5 x 200 addresses, + 20 %", scaled(linear(200), 6), linear(1000), "ms"
    yield "planned hand-over: outage", 20, m.of(OURS, "switch", "switch outage", "100ms"), "ms"
    yield "fail-back: outage", 20, crash(OURS, "failback outage"), "ms"
    yield "cold start of both at 100 ms: service", 1000, m.of(OURS, "start", "start", "100ms"), "ms"
    cpu = "CPU, ms/h (schedstat)"
    yield "idle CPU at 1 s: 1.5 x keepalived's", scaled(steady(KEEPALIVED, cpu), 1.5), steady(OURS, cpu), "ms/h"
    yield "PSS", 4096, steady(OURS, "PSS, KiB"), "KiB"


def number(value):
    if value is None:
        return "-"
    return f"{value:.2f}" if abs(value) < 10 and value != int(value) else f"{value:.1f}" if abs(value) < 100 else f"{value:.0f}"


def verdicts(rows):
    """The claims as lines of a table."""
    lines = [("claim", "at most", "measured", "holds")]
    for claim, limit, measured, unit in claims(Measured(rows)):
        if measured is None:
            continue                # of a scenario that was not asked for
        known = limit is not None and measured is not None
        holds = "not measured" if not known else "yes" if measured <= limit else "NO"
        lines.append((claim, f"{number(limit)} {unit}".strip(), f"{number(measured)} {unit}".strip(), holds))
    return lines


def comparison(rows):
    """What was measured, one line a metric, one column a program, and ours in relation to the others."""
    peers = [p for p in (OURS, C, KEEPALIVED) if any(r["peer"] == p for r in rows)]
    peers += sorted({r["peer"] for r in rows} - set(peers))
    against = [p for p in (C, KEEPALIVED) if p in peers and OURS in peers]
    lines = [("scenario", "measured (median)", "timers", *peers, *(f"ours : {p}" for p in against))]
    cells = {}
    for r in rows:
        cells.setdefault((r["scenario"], r["metric"], r["timers"]), {})[r["peer"]] = r
    for (scenario, metric, timers), of in cells.items():
        values = [of[p]["median"] if p in of else None for p in peers]
        ours = of[OURS]["median"] if OURS in of else None
        ratios = [f"{ours / of[p]['median']:.3g}" if ours is not None and p in of and of[p]["median"] else "-" for p in against]
        unit = next((r["unit"] for r in of.values()), "")
        lines.append((scenario, f"{metric}{', ' + unit if unit else ''}", told_timers(timers, of), *map(number, values), *ratios))
    return lines


def told_timers(name, of):
    """The same name stands for other timers with other programs: then each is told."""
    each = {f"{r['keepalive_ms']}:{r['deadtime_ms']}" for r in of.values()}
    return each.pop() if len(each) == 1 else name + " " + " / ".join(f"{r['keepalive_ms']}:{r['deadtime_ms']}" for r in of.values())


def plain(lines):
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in lines)


def markdown(lines):
    return "\n".join("| " + " | ".join(line) + " |" for line in (lines[0], ["---"] * len(lines[0]), *lines[1:]))
