# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The drills of one host: some at a time, those whose turn was longest ago first, and what is told of them."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from . import drill, report
from .admission import Admission, Host
from .files import write
from .manifest import BackupError

Say = Callable[[str], None]


@contextmanager
def _alone(directory: Path, wait: bool) -> Iterator[bool]:
    """Whether no other drills run; wait: until it is so."""
    with open(directory / "lock", "w", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            yield False
            return
        yield True


def lay_out(config: Mapping[str, Any], secrets: Mapping[str, Mapping[str, str]]) -> None:
    """A directory for each cluster, with its secrets as files; those of clusters that are no longer drilled go."""
    place = Path(config["directory"]) / "clusters"
    place.mkdir(mode=0o700, exist_ok=True)
    names = {cluster["name"] for cluster in config["clusters"]}
    for left in place.iterdir():
        if left.name not in names:
            shutil.rmtree(left)
    for name in names:
        for part in ("secrets", "cache"):
            (place / name / part).mkdir(mode=0o700, parents=True, exist_ok=True)
        for secret in (place / name / "secrets").iterdir():
            if not secrets[name].get(secret.name):
                secret.unlink()
        for key, value in secrets[name].items():
            if value:
                with os.fdopen(
                    os.open(place / name / "secrets" / key, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w"
                ) as file:
                    file.write(value.strip() + "\n")


def order(clusters: Sequence[Mapping[str, Any]], last: Mapping[str, float]) -> list[Mapping[str, Any]]:
    """Those that were never drilled, then those whose last drill began longest ago."""
    return sorted(clusters, key=lambda each: (last.get(each["name"], 0), each["name"]))


def chosen(clusters: Sequence[Mapping[str, Any]], only: Sequence[str]) -> list[Mapping[str, Any]]:
    known = [cluster["name"] for cluster in clusters]
    unknown = [name for name in only if name not in known]
    if unknown:
        raise BackupError(f"{', '.join(unknown)} is not drilled on this host, which has {', '.join(known) or 'none'}.")
    return [cluster for cluster in clusters if not only or cluster["name"] in only]


def tell(config: Mapping[str, Any]) -> None:
    """The page and the metrics, of what is kept."""
    directory, now, hours = Path(config["directory"]), time.time(), config["overdue_hours"]
    histories = {cluster["name"]: drill.history(directory, cluster["name"]) for cluster in config["clusters"]}
    write(directory / "report" / "index.html", report.page(histories, config["host"], now, hours))
    write(Path(config["textfile_directory"]) / "galera-drill.prom", report.metrics(histories, now, hours))


def settle(config: Mapping[str, Any], say: Say) -> None:
    """After a run that was killed. One that is alive is left alone."""
    directory = Path(config["directory"])
    with _alone(directory, wait=False) as alone:
        if alone:
            try:
                drill.settle(directory, say)
            finally:
                tell(config)


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def run(
    config: Mapping[str, Any],
    secrets: Mapping[str, Mapping[str, str]],
    only: Sequence[str],
    record: Path | None,
    say: Say,
) -> None:
    """Raises BackupError, naming clusters and backups, when a drill has failed. record: a file for the results."""
    directory = Path(config["directory"])
    wanted = chosen(config["clusters"], only)
    if record:
        record.unlink(missing_ok=True)
    with _alone(directory, wait=True):
        try:
            results = _run_all(config, secrets, wanted, say)
        finally:
            # Also where not one could begin: how old the last ones are is told then.
            tell(config)
        if record:
            write(record, json.dumps([{**asdict(result), "said": sentence(result)} for result in results]))
    failed = [f"{result.cluster} ({result.backup or 'no known backup'})" for result in results if result.error]
    if failed:
        raise BackupError(f"{len(failed)} of {len(results)} drills failed: {', '.join(failed)}.")


def _run_all(
    config: Mapping[str, Any], secrets: Mapping[str, Mapping[str, str]], wanted: Sequence[Mapping[str, Any]], say: Say
) -> list[drill.Result]:
    directory = Path(config["directory"])
    drill.settle(directory, say)
    lay_out(config, secrets)
    (directory / "run").mkdir(mode=0o700, exist_ok=True)
    last = {
        cluster["name"]: kept[-1]["began"] for cluster in wanted if (kept := drill.history(directory, cluster["name"]))
    }
    admission = Admission(Host(directory), config["patience_minutes"] * 60)
    signal.signal(signal.SIGTERM, _interrupt)

    def one(cluster: Mapping[str, Any]) -> drill.Result:
        try:
            result = drill.Drill(config, cluster, admission.admit, say).run()
        except Exception as error:  # Not even its record could be kept, as on a full disk; the others go on.
            result = drill.Result(cluster["name"], config["host"], time.time())
            result.ended, result.error = time.time(), f"{type(error).__name__}: {error}"
        say(sentence(result))
        return result

    pool = ThreadPoolExecutor(config["parallel"])
    try:
        results = list(pool.map(one, order(wanted, last)))
    except KeyboardInterrupt:
        # Threads cannot be ended, but what they wait for can.
        say("Broken off.")
        drill.settle(directory, say)
        os._exit(1)
    drill.forget(directory, time.time() - config["keep_days"] * 86400)
    return results


def sentence(result: drill.Result) -> str:
    if result.error:
        return f"{result.cluster}: the drill of {result.backup or 'no known backup'} FAILED: {result.error}"
    return (
        f"{result.cluster}: {result.backup} was restored: RTO {report.span(result.rto)}, RPO {report.span(result.rpo)},"
        f" {result.checked} tables checked, {sum(result.compared.values())} counts and checksums compared,"
        f" {result.asserted} assertions hold."
    )
