"""The page, and the metrics, of many drills."""

from __future__ import annotations

import dataclasses
import html.parser
import re
from typing import Any

import pytest
from galera_backup import drill, report

HOUR = 3600.0
MIB = 1 << 20


def told(began: float, error: str = "", **changes: Any) -> dict[str, Any]:
    return dataclasses.asdict(
        drill.Result(
            "shop", "vault1", began, backup="b1", ended=began + 60, error=error, rto=61.0, rpo=9000.0, **changes
        )
    )


def test_what_a_cluster_is() -> None:
    day = 24 * HOUR
    assert report.state([], day, 0) == "none yet"
    assert report.state([], day, 50) == "overdue"
    assert report.state([told(0)], day, 50) == "passed"
    assert report.state([told(0)], 3 * day, 50) == "overdue"
    assert report.state([told(0)], 3 * day, 0) == "passed"
    assert report.state([told(0), told(day, "no")], 3 * day, 50) == "failed"
    assert report.overdue([told(0), told(day, "no")], 3 * day, 50)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, "-"), (7.25, "7.2 s"), (61, "1 min 1 s"), (120, "2 min"), (9000, "2 h 30 min"), (200000, "2 d 7 h")],
)
def test_durations(seconds: float | None, text: str) -> None:
    assert report.span(seconds) == text


class Balance(html.parser.HTMLParser):
    """Every element that is opened is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []

    def handle_starttag(self, tag: str, _: Any) -> None:
        self.seen.append(tag)
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, _: Any) -> None:
        self.seen.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_says_what_failed_and_needs_nothing_else() -> None:
    used = {"container": "drill.shop-server", "memory_max_bytes": 5 * MIB, "cpu_seconds_rate": 0.5}
    used |= {"seconds": 4.0, "reads": 40, "writes": 4}
    histories = {
        "shop": [told(1000.0, containers=[used]), told(90000.0, "<b>rows</b> differ", notes=["a note"])],
        "crm": [told(90000.0, size=8 * MIB, streamed=4.0, containers=[used], limits={"cpus": 1.0, "memory": "2g"})],
        "<new>": [],
    }
    page = report.page(histories, "vault1", 100000.0, 50)
    balance = Balance()
    balance.feed(page)
    assert balance.open == []
    assert not {"script", "link", "img"} & set(balance.seen)
    assert "1 of 3 clusters" in page
    assert "&lt;b&gt;rows&lt;/b&gt; differ" in page
    assert "&lt;new&gt;" in page
    assert "a note" in page
    assert "http" not in page
    assert "came at 2.0 MiB a second" in page
    # What failed stands first.
    assert page.index("&lt;new&gt;") < page.index("<td>shop") < page.index("<td>crm")


def test_metrics_are_what_prometheus_reads() -> None:
    text = report.metrics({"shop": [told(1000.0)], 'a"b': []}, 2000.0, 50)
    assert 'dbops_galera_drill_failed{cluster="shop"} 0\n' in text
    assert 'dbops_galera_drill_rto_seconds{cluster="shop"} 61\n' in text
    assert 'dbops_galera_drill_last_success_timestamp_seconds{cluster="shop"} 1060\n' in text
    assert 'dbops_galera_drill_last_success_timestamp_seconds{cluster="a\\"b"} 0\n' in text
    assert 'overdue{cluster="a\\"b"} 1\n' in text
    assert 'failed{cluster="a' not in text
    line = re.compile(
        r'(# (HELP|TYPE) dbops_galera_drill_\w+ .+|dbops_galera_drill_\w+\{cluster="(\\.|[^"\\])*"\} [-0-9.e+]+)'
    )
    assert [each for each in text.splitlines() if not line.fullmatch(each)] == []
