# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pure: the results of drills as a page for people, and as metrics for Prometheus.

A result is a dictionary as drill.Result has it; a history is the results of one cluster, oldest first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from html import escape
from typing import Any

Results = Sequence[Mapping[str, Any]]
# Drills that the trend shows, and those that stand in a cluster's table.
_TREND, _ROWS = 30, 10
_MEANING = (
    "In a drill the newest backup is fetched and restored into a server of its own, under limits on CPU, memory, disk"
    " and network. All tables are checked, and compared with what was counted for the backup, and the cluster's own"
    " assertions are tried. RTO: from the begin of the drill until that server answered with the data. RPO: how old the"
    " newest transaction that can be had back was at that begin."
)
_STYLE = """
:root { --good: #1a7f4b; --bad: #b3261e; --late: #8a5a00; --ink: #1c2127; --faint: #5c6670; --line: #d9dee3 }
* { box-sizing: border-box }
body { font: 15px/1.5 system-ui, "Segoe UI", sans-serif; color: var(--ink); background: #f4f6f8; margin: 0 }
main { max-width: 1080px; margin: 0 auto; padding: 32px 24px }
h1 { font-size: 26px; margin: 0 0 4px } h2 { font-size: 19px; margin: 0 }
p { margin: 4px 0 } .faint { color: var(--faint) }
section, .sum { background: #fff; border: 1px solid var(--line); border-radius: 8px }
section, .sum { padding: 20px 24px; margin-top: 20px }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums }
th, td { text-align: left; padding: 7px 12px 7px 0; border-bottom: 1px solid var(--line); vertical-align: top }
th { color: var(--faint); font-weight: 600; font-size: 13px } tr:last-child td { border-bottom: 0 }
td.n, th.n { text-align: right } code { font-size: 13px; overflow-wrap: anywhere }
.badge { display: inline-block; padding: 0 9px; border-radius: 10px; color: #fff; white-space: nowrap }
.badge { font-size: 13px; font-weight: 600 }
.passed { background: var(--good) } .failed { background: var(--bad) } .overdue { background: var(--late) }
.why { border-left: 4px solid var(--bad); background: #fdf1f0; padding: 8px 12px; margin: 12px 0 }
.why { overflow-wrap: anywhere }
.head { display: flex; gap: 12px; align-items: center; flex-wrap: wrap; margin-bottom: 12px }
.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 12px; margin: 12px 0 }
.facts b { display: block; font-size: 20px } .facts span { color: var(--faint); font-size: 13px }
.used { margin-top: 20px }
svg { display: block; width: 100%; height: auto }
@media print { body { background: #fff } section { break-inside: avoid } main { padding: 0; max-width: none }
  .badge, .why { print-color-adjust: exact; -webkit-print-color-adjust: exact } }
"""


def when(time: float) -> str:
    return datetime.fromtimestamp(time, timezone.utc).strftime("%Y-%m-%d %H:%M UTC")


def span(seconds: float | None) -> str:
    """A duration in the two biggest units that tell something."""
    if seconds is None:
        return "-"
    if seconds < 60:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    for size, name, smaller, least in ((86400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s")):
        if whole >= size:
            rest = whole % size // smaller
            return f"{whole // size} {name}" + (f" {rest} {least}" if rest else "")
    return f"{whole} s"


def megabytes(size: float) -> str:
    if not size:
        return "-"
    return f"{size / (1 << 20):,.0f} MiB" if size < 10 << 30 else f"{size / (1 << 30):,.1f} GiB"


def passed(result: Mapping[str, Any]) -> bool:
    return not result["error"]


def last_good(history: Results) -> Mapping[str, Any] | None:
    return next((each for each in reversed(history) if passed(each)), None)


def overdue(history: Results, now: float, hours: float) -> bool:
    """Whether the last drill that passed is too long ago; 0 hours: never."""
    good = last_good(history)
    return hours > 0 and (good is None or now - good["ended"] > hours * 3600)


def state(history: Results, now: float, hours: float) -> str:
    """passed, failed, or overdue: then the last one did not fail, and is too old, or there was none."""
    if history and not passed(history[-1]):
        return "failed"
    return "overdue" if overdue(history, now, hours) else "passed" if history else "none yet"


def _badge(word: str) -> str:
    return f'<span class="badge {word if word in ("passed", "failed") else "overdue"}">{word}</span>'


def trend(history: Results) -> str:
    """RTO of the last drills as bars, the newest on the right; a failed drill is a mark of its own."""
    shown = history[-_TREND:]
    high = max((each["rto"] or 0 for each in shown), default=0) or 1
    width, height, step = 720, 90, 720 / _TREND
    parts = []
    for place, each in enumerate(shown, _TREND - len(shown)):
        x, tip = place * step, f"<title>{when(each['began'])}: {escape(each['error'] or span(each['rto']))}</title>"
        if passed(each):
            tall = max(2, (each["rto"] or 0) / high * (height - 16))
            shape = f'x="{x + 2:.1f}" y="{height - tall:.1f}" width="{step - 4:.1f}" height="{tall:.1f}"'
            parts.append(f'<rect {shape} fill="#1a7f4b">{tip}</rect>')
        else:
            a, b, y = x + 5, x + step - 5, height - 16
            path = f"M{a:.1f} {y} L{b:.1f} {y + 14} M{b:.1f} {y} L{a:.1f} {y + 14}"
            parts.append(f'<path d="{path}" stroke="#b3261e" stroke-width="3">{tip}</path>')
    return (
        f'<svg viewBox="0 0 {width} {height + 20}" role="img" aria-label="Restore time of the last drills">'
        f'<line x1="0" y1="{height}" x2="{width}" y2="{height}" stroke="#d9dee3"/>{"".join(parts)}'
        f'<text x="0" y="12" font-size="12" fill="#5c6670">RTO, the highest {span(high)}; crosses: failed</text>'
        f'<text x="{width}" y="{height + 16}" font-size="12" fill="#5c6670" text-anchor="end">newest</text></svg>'
    )


def _facts(result: Mapping[str, Any]) -> str:
    compared = result["compared"]
    facts = [
        ("restore time (RTO)", span(result["rto"])),
        ("newest transaction's age (RPO)", span(result["rpo"])),
        ("tables checked", result["checked"]),
        ("row counts compared", compared.get("rows", 0)),
        ("checksums compared", compared.get("checksum", 0)),
        ("assertions", result["asserted"]),
    ]
    return (
        f'<div class="facts">{"".join(f"<div><b>{value}</b><span>{name}</span></div>" for name, value in facts)}</div>'
    )


def _containers(result: Mapping[str, Any]) -> str:
    """What the containers used, beside the limits that they had."""
    limits = result["limits"]
    head = "<tr><th>container</th>" + "".join(
        f'<th class="n">{name}<br>{limit}</th>'
        for name, limit in (
            ("CPU, most", f"of {limits.get('cpus') or 'all'}"),
            ("memory, most", f"of {escape(str(limits.get('memory') or 'all'))}"),
            ("read/s, most", f"of {limits.get('disk_read_mb') or 'all'} MiB"),
            ("written/s, most", f"of {limits.get('disk_write_mb') or 'all'} MiB"),
            ("reads/s, mean", f"of {limits.get('disk_read_iops') or 'all'}"),
            ("writes/s, mean", f"of {limits.get('disk_write_iops') or 'all'}"),
        )
    )
    rows = [
        f"<tr><td><code>{escape(str(each['container']))}</code></td>"
        f'<td class="n">{each.get("cpu_seconds_rate", 0):.2f}</td>'
        f'<td class="n">{megabytes(each["memory_max_bytes"])}</td>'
        f'<td class="n">{each.get("read_bytes_rate", 0) / (1 << 20):.1f}</td>'
        f'<td class="n">{each.get("written_bytes_rate", 0) / (1 << 20):.1f}</td>'
        f'<td class="n">{each["reads"] / each["seconds"]:.0f}</td>'
        f'<td class="n">{each["writes"] / each["seconds"]:.0f}</td></tr>'
        for each in result["containers"]
        if "cpu_seconds_rate" in each
    ]
    if not rows:
        return ""
    taken = result.get("streamed")
    came = f" The backup came at {result['size'] / taken / (1 << 20):.1f} MiB a second." if taken else ""
    said = f"What its containers used, by the kernel's counters; restic has a memory limit of its own.{came}"
    return f'<p class="faint used">{said}</p><table>{head}</tr>{"".join(rows)}</table>'


def _past(history: Results) -> str:
    rows = [
        f"<tr><td>{when(each['began'])}</td><td>{_badge('passed' if passed(each) else 'failed')}</td>"
        f'<td><code>{escape(each["backup"] or "-")}</code></td><td class="n">{span(each["rto"])}</td>'
        f'<td class="n">{span(each["rpo"])}</td><td class="n">{megabytes(each["size"])}</td></tr>'
        for each in reversed(history[-_ROWS:])
    ]
    head = "<tr><th>began</th><th>result</th><th>backup</th>" + "".join(
        f'<th class="n">{name}</th>' for name in ("RTO", "RPO", "size")
    )
    return f"<table>{head}</tr>{''.join(rows)}</table>"


def _section(cluster: str, history: Results, now: float, hours: float) -> str:
    head = f'<div class="head"><h2>{escape(cluster)}</h2>{_badge(state(history, now, hours))}'
    late = _badge("overdue") if history and not passed(history[-1]) and overdue(history, now, hours) else ""
    if not history:
        return f'<section>{head}</div><p class="why">No drill of this cluster has ended yet.</p></section>'
    last, good = history[-1], last_good(history)
    since = f"last passed {when(good['began'])}" if good else "no drill has ever passed"
    notes = "".join(f'<p class="faint">{escape(note)}</p>' for note in last["notes"])
    why = f'<p class="why"><b>{escape(last["backup"] or "no backup known")}</b>: {escape(last["error"])}</p>'
    return (
        f'<section>{head}{late}<span class="faint">drilled {when(last["began"])}, {since}</span></div>'
        f"{'' if passed(last) else why}"
        f'<p>Backup <code>{escape(last["backup"] or "-")}</code> <span class="faint">{megabytes(last["size"])},'
        f" MariaDB {escape(last['server'] or '-')}, image {escape(last['image'] or '-')}</span></p>"
        f"{_facts(last)}{notes}{trend(history)}{_past(history)}{_containers(last)}</section>"
    )


def page(histories: Mapping[str, Results], host: str, now: float, hours: float) -> str:
    """HTML that needs nothing else; hours: after which a cluster without a drill that passed is overdue."""
    states = {cluster: state(history, now, hours) for cluster, history in histories.items()}
    good = sum(each == "passed" for each in states.values())
    rows = []
    for cluster in sorted(histories, key=lambda each: (states[each] == "passed", each)):
        history = histories[cluster]
        last: Mapping[str, Any] = history[-1] if history else {}
        best: Mapping[str, Any] = last_good(history) or {}
        rows.append(
            f"<tr><td>{escape(cluster)}</td><td>{_badge(states[cluster])}</td>"
            f"<td>{when(last['began']) if last else '-'}</td><td>{when(best['began']) if best else 'never'}</td>"
            f'<td class="n">{span(best.get("rto"))}</td><td class="n">{span(best.get("rpo"))}</td></tr>'
        )
    due = f" A cluster is overdue when no drill of it has passed for {span(hours * 3600)}." if hours else ""
    sections = "".join(_section(cluster, histories[cluster], now, hours) for cluster in sorted(histories))
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Restore drills</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head><body><main>'
        f"<h1>{good} of {len(histories)} clusters: the newest backup was restored</h1>"
        f'<p class="faint">As of {when(now)}, on {escape(host)}.{due}</p>'
        f'<p class="faint">{_MEANING}</p>'
        '<div class="sum"><table><tr><th>cluster</th><th>state</th><th>last drill</th><th>last passed</th>'
        f'<th class="n">RTO</th><th class="n">RPO</th></tr>{"".join(rows)}</table></div>{sections}'
        "</main></body></html>\n"
    )


_METRICS = (
    ("last_run_timestamp_seconds", "When the last drill ended."),
    ("last_success_timestamp_seconds", "When the last drill that passed ended; 0 for never."),
    ("failed", "1 when the last drill failed."),
    ("overdue", "1 when no drill has passed for too long."),
    ("rto_seconds", "Restore time of the last drill."),
    ("rpo_seconds", "Age of the newest transaction that the last drill could have had back."),
    ("checked_tables", "Tables that mariadb-check looked at."),
)


def metrics(histories: Mapping[str, Results], now: float, hours: float) -> str:
    """Text for node_exporter's textfile collector. What is not known of a cluster has no sample."""
    samples: dict[str, list[str]] = {name: [] for name, _ in _METRICS}
    for cluster, history in sorted(histories.items()):
        last: Mapping[str, Any] = history[-1] if history else {}
        good = last_good(history)
        values = {
            "last_run_timestamp_seconds": last.get("ended"),
            "last_success_timestamp_seconds": good["ended"] if good else 0,
            "failed": int(not passed(last)) if last else None,
            "overdue": int(overdue(history, now, hours)),
            "rto_seconds": last.get("rto"),
            "rpo_seconds": last.get("rpo"),
            "checked_tables": last.get("checked"),
        }
        label = cluster.replace("\\", "\\\\").replace('"', '\\"')
        for name, value in values.items():
            if value is not None:
                samples[name].append(f'dbops_galera_drill_{name}{{cluster="{label}"}} {value:.15g}')
    lines = []
    for name, text in _METRICS:
        if samples[name]:
            lines += [
                f"# HELP dbops_galera_drill_{name} {text}",
                f"# TYPE dbops_galera_drill_{name} gauge",
                *samples[name],
            ]
    return "\n".join([*lines, ""])
