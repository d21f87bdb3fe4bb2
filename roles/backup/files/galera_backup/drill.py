# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One drill: the newest backup of a cluster, restored under limits in containers without a network, and looked at.

Everything of it is below run/CLUSTER and in containers of its own label, so that it can be removed whatever happened.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from . import checks, children
from .admission import Amount
from .archive import Archive
from .binlog import lead
from .files import write
from .gauges import Gauges, whole_disk
from .manifest import BackupError, Manifest, chain
from .plan import Plan, backups_of, beside
from .repository import Repository
from .restore import Restore, needed
from .server import Server, mebibytes

Admit = Callable[[Amount], AbstractContextManager[None]]
_MIB = 1 << 20
# One pull at a time, whichever drill needs the image first.
_PULLING = threading.Lock()


@dataclass
class Result:
    """Times: began, ended, newest_transaction, since 1970; rto, rpo, waited, streamed, steps; all in seconds.

    error: empty if it passed. rto: from the begin until the server answered with the data, without what it waited for
    its turn. rpo: how old the newest transaction that can be had back was at its begin. reached: that one's GTID.
    checked: tables that mariadb-check looked at; compared: those whose rows and whose checksums were compared with the
    manifest.
    """

    cluster: str
    host: str
    began: float
    backup: str = ""
    chain: list[str] = field(default_factory=list)
    reached: str = ""
    ended: float = 0
    error: str = ""
    rto: float | None = None
    rpo: float | None = None
    newest_transaction: float | None = None
    waited: float = 0
    steps: dict[str, float] = field(default_factory=dict)
    size: int = 0
    streamed: float = 0
    image: str = ""
    server: str = ""
    checked: int = 0
    compared: dict[str, int] = field(default_factory=dict)
    asserted: int = 0
    notes: list[str] = field(default_factory=list)
    limits: dict[str, Any] = field(default_factory=dict)
    containers: list[dict[str, str | float]] = field(default_factory=list)


_OWNER = "drill."


def owner(cluster: str) -> str:
    return _OWNER + cluster


def running(directory: Path, cluster: str) -> Path:
    """What a drill writes of itself as long as it runs."""
    return directory / "run" / cluster / "drill.json"


def keep(directory: Path, result: Result) -> None:
    stamp = datetime.fromtimestamp(result.began, timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    write(directory / "results" / result.cluster / f"{stamp}.json", json.dumps(asdict(result), indent=1) + "\n")


def history(directory: Path, cluster: str) -> list[dict[str, Any]]:
    """The results that are kept of a cluster, oldest first."""
    kept = sorted((directory / "results" / cluster).glob("*.json"))
    return [json.loads(path.read_text(encoding="utf-8")) for path in kept]


def forget(directory: Path, before: float) -> None:
    """Results of drills that began before this time."""
    stamp = datetime.fromtimestamp(before, timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    for path in (directory / "results").glob("*/*.json"):
        if path.stem < stamp:
            path.unlink()


def settle(directory: Path, say: Callable[[str], None]) -> list[Result]:
    """Remove what killed drills left: containers and their volumes, directories. Each is a drill that failed."""
    broken = []
    for left in children.owners(_OWNER):
        say(f"Removed {', '.join(children.remove_all(left))} of an earlier drill.")
    for place in sorted((directory / "run").glob("*")):
        record = running(directory, place.name)
        if record.exists():
            result = Result(**json.loads(record.read_text(encoding="utf-8")))
            result.error, result.ended = "The drill was killed before its end.", time.time()
            keep(directory, result)
            broken.append(result)
        shutil.rmtree(place)
        say(f"Removed {place}.")
    return broken


def docker_limits(limits: Mapping[str, Any], device: str) -> dict[str, str]:
    """Options of docker run beside --cpus and --memory. No swap: it would be memory and disk beyond the limits."""
    options = {"memory-swap": limits.get("memory", ""), "memory-reservation": limits.get("memory_reservation", "")}
    for direction in ("read", "write"):
        for unit, factor in (("mb", _MIB), ("iops", 1)):
            rate = int(limits.get(f"disk_{direction}_{unit}", 0) * factor)
            options[f"device-{direction}-{'bps' if unit == 'mb' else unit}"] = f"{device}:{rate}" if rate else ""
    files = limits.get("open_files")
    options["ulimit"] = f"nofile={files}:{files}" if files else ""
    return {name: value for name, value in options.items() if value}


class Drill:
    """config: as the role writes it; cluster: one of its clusters; admit: waits for room on the host."""

    def __init__(
        self, config: Mapping[str, Any], cluster: Mapping[str, Any], admit: Admit, say: Callable[[str], None]
    ) -> None:
        limits = config["limits"]
        self._directory = Path(config["directory"])
        self._cluster = cluster
        self._admit = admit
        self._owner = owner(cluster["name"])
        self._place = self._directory / "run" / cluster["name"]
        self._tell = say
        self._limits = limits
        self._config: dict[str, Any] = {
            "cluster": cluster["name"],
            "directory": str(self._directory / "clusters" / cluster["name"]),
            "pipes": str(self._place / "pipes"),
            "repository": cluster["repository"],
            "restic_image": config["restic_image"],
            "restic_memory": limits["restic_memory"],
            "limit_download_kib": limits["network_kib"],
            "image": cluster.get("image", ""),
            "uid": cluster["uid"],
            "cpus": limits["cpus"],
            "memory": limits["memory"],
            # cgroup v1 lets buffered writes through, so the stream itself is held back.
            "write_rate": limits["disk_write_mb"] * _MIB,
        }
        # All that is wrong is told, not only the first of it.
        self._problems: list[str] = []
        self._result = Result(cluster["name"], config["host"], time.time(), limits=dict(limits))

    def _say(self, text: str) -> None:
        self._tell(f"{self._cluster['name']}: {text}")

    def run(self) -> Result:
        result = self._result
        # Where the repository does not even open, the last backup that was seen in it is named.
        result.backup = next((each["backup"] for each in reversed(history(self._directory, result.cluster))), "")
        self._note()
        try:
            with self._watched():
                self._all()
        except BackupError as error:
            self._problems.append(str(error))
        except Exception as error:  # A drill that goes wrong in a way nobody thought of has failed, too.
            self._problems.append(f"{type(error).__name__}: {error}")
        result.error = " ".join(self._problems)
        result.ended = time.time()
        children.remove_all(self._owner)
        keep(self._directory, result)
        # The last: what has its record here was killed.
        shutil.rmtree(self._place)
        return result

    def _all(self) -> None:
        result = self._result
        repository = Repository(self._config, self._owner)
        with self._step("look"):
            plan = self._plan(repository)
            self._have_images(plan.last)
        # restic and mbstream are there at the same time; the server comes after them.
        memory = _MIB * (mebibytes(self._limits["memory"]) + mebibytes(self._limits["restic_memory"]))
        asked = time.time()
        with self._admit(Amount(memory, needed(plan))):
            result.waited = time.time() - asked
            job = Restore(self._config, self._owner, repository, self._place / "data", self._say)
            with self._step("restore"):
                job.run(Plan(plan.chain, [], None, None))
            result.streamed = round(job.streamed, 2)
            begun = time.time()
            with Server(self._config, self._owner, self._place / "data", plan.last.lower_case_table_names) as server:
                result.steps["start"] = round(time.time() - begun, 2)
                self._go_on(job, server, plan)
                result.rto = time.time() - result.began - result.waited - result.steps.get("compare", 0)
                self._note()
                self._look(server)

    def _plan(self, repository: Repository) -> Plan:
        """The newest backup, even if it cannot be restored: an older one that can would hide that. And all since it."""
        result = self._result
        archive = Archive.read(repository)
        branches, branch = archive.branches, archive.branches.current
        manifests = backups_of(branch, archive.manifests, archive.segments, branches)
        if not manifests:
            raise BackupError(f"The repository {repository.url} has no backup.")
        newest = max(manifests, key=lambda each: each.ended)
        result.backup = newest.id
        result.server, result.image = newest.server, self._config["image"] or newest.image
        found = chain(newest.id, archive.manifests)
        steps = lead(archive.segments, branches.limits(branch), newest.seqno_of_gtid) if newest.gtid else []
        plan = Plan(found, steps, None, None, branch if branch != newest.uuid else "")
        result.notes += beside(branch, archive.manifests, archive.segments, branches)
        result.newest_transaction = plan.newest_at
        result.rpo = result.began - result.newest_transaction
        result.chain, result.size = [each.id for each in found], sum(each.size for each in found)
        self._note()
        self._config["image"] = result.image
        self._say(f"{newest.id}, {result.size / _MIB:.0f} MiB in {len(found)} parts, and {len(steps)} binary logs.")
        return plan

    def _have_images(self, manifest: Manifest) -> None:
        image = self._config["image"]
        with _PULLING:
            present = subprocess.run(["docker", "image", "inspect", image], capture_output=True, check=False)
            if present.returncode:
                self._say(f"Pulling {image}.")
                children.ask(["docker", "pull", "--quiet", image], f"Pulling {image}, which {manifest.id} needs,")

    def _go_on(self, job: Restore, server: Server, plan: Plan) -> None:
        """From the backup to the newest transaction, with a stop where its rows were counted, to compare them."""
        manifest, steps = plan.last, list(plan.steps)
        reached = manifest.gtid
        counted = int(manifest.counted.rpartition("-")[2] or 0)
        end = steps[-1].end if steps else manifest.seqno_of_gtid
        if counted > end:
            self._result.notes.append(
                f"Rows and checksums were not compared: they are of {manifest.counted}, and the archived binary logs"
                f" end with {end}."
            )
        else:
            if counted > manifest.seqno_of_gtid:
                before = [step for step in steps if step.behind < counted]
                with self._step("binary logs to the count"):
                    reached = job.replay(server, Plan(plan.chain, before, counted, None), reached)
                # A binary log that holds what is before the count and what is after it is needed again.
                steps = [replace(step, behind=max(step.behind, counted)) for step in steps if step.end > counted]
            with self._step("compare"):
                try:
                    self._compare(server, manifest)
                except BackupError as error:
                    # A table that cannot be read; mariadb-check has more to say about it.
                    self._problems.append(str(error))
        if steps:
            with self._step("binary logs"):
                reached = job.replay(server, Plan(plan.chain, steps, None, None), reached)
        self._result.reached = reached

    def _look(self, server: Server) -> None:
        result = self._result
        with self._step("mariadb-check"):
            socket = "--socket=/restore/run/sock"
            said = server.shell(f"mariadb-check {socket} --all-databases --check", what="mariadb-check")
            result.checked, errors, warnings = checks.checked(said)
            result.notes += warnings
        self._problems += errors
        if not result.checked:
            self._problems.append("mariadb-check found no table.")
        with self._step("assert"):
            for statement in checks.statements(self._cluster.get("assertions", "")):
                try:
                    self._problems += checks.asserted(statement, server.ask(statement))
                except BackupError as error:
                    self._problems += checks.asserted(statement, error=str(error))
                result.asserted += 1

    def _compare(self, server: Server, manifest: Manifest) -> None:
        if not (manifest.tables or manifest.checksums):
            self._result.notes.append("The backup has no row counts and no checksums: see backup_count_rows.")
            return
        known = server.ask(
            "SELECT table_schema, table_name FROM information_schema.tables WHERE table_type = 'BASE TABLE'"
        )
        quoted = {f"{one}.{two}": ".".join(f"`{name.replace('`', '``')}`" for name in (one, two)) for one, two in known}
        for what, wanted, question, column in (
            ("rows", manifest.tables, "SELECT COUNT(*) FROM {}", 0),
            ("checksum", manifest.checksums, "CHECKSUM TABLE {}", 1),
        ):
            found = {
                table: int(server.ask(question.format(quoted[table]))[0][column]) for table in wanted if table in quoted
            }
            self._result.compared[what] = len(found)
            self._problems += checks.differing(what, wanted, found)

    @contextmanager
    def _watched(self) -> Iterator[None]:
        """Hold the drill's containers to the limits, and write down what they used."""
        self._place.mkdir(parents=True, exist_ok=True)
        device, node = whole_disk(self._place)
        self._config["limits"] = docker_limits(self._limits, node)
        limited = [name for name, value in self._limits.items() if name.startswith("disk_") and value]
        if limited and not Path(node or "/nowhere").is_block_device():
            raise BackupError(
                f"drill_{limited[0]} cannot be kept: {self._directory} is on no disk of its own that has a device node"
                f" {node or 'at all'}. Put drill_directory on one, or set the drill_disk_ limits to 0."
            )
        with Gauges(self._owner, device) as gauges:
            try:
                yield
            finally:
                self._result.containers = gauges.seen()

    @contextmanager
    def _step(self, name: str) -> Iterator[None]:
        begun = time.time()
        try:
            yield
        finally:
            self._result.steps[name] = round(time.time() - begun, 2)

    def _note(self) -> None:
        record = running(self._directory, self._cluster["name"])
        write(record, json.dumps(asdict(self._result)))
