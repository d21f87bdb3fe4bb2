# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""I/O: the repository, kept by restic in a container of its own. Its secrets are files that the container reads.

A backup is two snapshots: the stream, and its manifest, which comes last. A stream without a manifest is no backup.
Exit codes: https://restic.readthedocs.io/en/stable/075_scripting.html#exit-codes
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import IO, Any

from . import children
from .binlog import Segment, longer
from .branches import Branch
from .files import write
from .manifest import BackupError, Manifest

_REASONS = {
    3: "The repository {url} keeps what was to be removed: {said}",
    10: "There is no repository at {url}: the first backup makes it. Where there was one, it is not mounted, or gone.",
    11: (
        "The repository {url} is locked by another process: {said} / What a dead host left is removed by the first that"
        " comes half an hour later."
    ),
    12: "The repository {url} does not open with this key: backup_password is another one than it was made with.",
}
# Where SFTP's host key and identity come from: restic's SSH client reads no other configuration.
_SFTP = "sftp.args=-F none -o BatchMode=yes -o IdentityFile=/secrets/ssh_key -o UserKnownHostsFile=/secrets/known_hosts"
_RUN = 'set -a; test ! -e /secrets/environment || . /secrets/environment; exec restic "$@"'
# Go ends by a broken pipe on standard output, whatever is ignored, and restic's lock would stay: it is a reader itself.
_READS = " 3</proc/self/fd/1"


class Snapshots(list[dict[str, Any]]):
    """As restic tells them. whole: whether it could read all that there are."""

    whole = True


def utc(text: str) -> float:
    """Seconds since 1970; restic's container has no time zone but UTC."""
    return datetime.fromisoformat(text[:19]).replace(tzinfo=timezone.utc).timestamp()


_DAMAGED = re.compile(r"^pack ([0-9a-f]{64})(?: contains |: unexpected file size)", re.MULTILINE)
_MISSING = re.compile(r"^pack ([0-9a-f]{64}): does not exist", re.MULTILINE)
# restic lists what it can read, and its exit code is 0: https://github.com/restic/restic/blob/v0.19.1/cmd/restic/find.go
_UNREAD = re.compile(r"^(?:Ignoring |could not load snapshots).*", re.MULTILINE)
# An older restic does not know all ways; it is to read all the same.
_COMPRESS = (("backup",), ("prune",))
_ABSENT = 10
_LOCKED = 11
# Unless quiet, restic tells on the same output that it waits for a lock, in front of what was stored.
_DUMP = ("dump", "--quiet")


class LockedError(BackupError):
    """Another process is at work on the repository, or was until it was killed."""


class Repository:
    """url: as restic takes it; a path is a directory of this host."""

    def __init__(self, config: Mapping[str, Any], owner: str) -> None:
        self.url = config["repository"]
        self._config = config
        self._owner = owner
        self._directory = Path(config["directory"])

    def command(self, name: str, *arguments: str, fifo: Path | None = None, direction: str = "") -> list[str]:
        local = self.url.startswith("/")
        volumes = [f"{self._directory}/secrets:/secrets:ro", f"{self._directory}/cache:/cache"]
        volumes += [f"{self.url}:/repository"] if local else []
        limits = {name: self._config.get(name.replace("-", "_")) for name in ("cpus", "cpu-shares")}
        limits["memory"] = self._config.get("restic_memory")
        options = ["--repo", "/repository" if local else self.url, "--password-file", "/secrets/password"]
        options += ["--cache-dir", "/cache", "--retry-lock", "5m"]
        if arguments[:1] in _COMPRESS:
            options += ["--compression", self._config.get("compression", "auto")]
        options += ["--option", _SFTP] if self.url.startswith("sftp:") else []
        for way in ("upload", "download"):
            rate = self._config.get(f"limit_{way}_kib")
            options += [f"--limit-{way}", str(rate)] if rate else []
        network = "none" if local else "host"
        image = self._config["restic_image"]
        volumes += [f"{fifo.parent}:/pipes"] if fifo else []
        run = children.run_arguments(name, self._owner, image, "sh", network, volumes, limits)
        restic = ["-c", _RUN + (_READS if direction == ">" else ""), "restic", *options, *arguments]
        return children.piped(run, fifo, direction, ["sh", *restic]) if fifo else [*run, *restic]

    def _child(self, name: str, direction: str, log: IO[bytes], *arguments: str, **pipes: Any) -> children.Child:
        """restic with its input (<) or output (>) through a fifo."""
        fifo = children.make_fifo(self._config, name)
        command = self.command(name, *arguments, fifo=fifo, direction=direction)
        # Killed, it leaves a lock behind, which others heed for half an hour.
        return children.Child(command, name, log, fifo, children.PATIENCE, **pipes)

    def name(self, purpose: str) -> str:
        """Of a container; the repository's locks show it as the host's name."""
        return f"{self._owner}-{purpose}"

    def ask(self, *arguments: str, purpose: str = "restic", text: str | None = None) -> str:
        done = self._run(*arguments, purpose=purpose, text=text)
        if done.returncode:
            raise self._refusal(done)
        return done.stdout

    def _run(
        self, *arguments: str, purpose: str = "restic", text: str | None = None
    ) -> subprocess.CompletedProcess[str]:
        command = self.command(self.name(purpose), *arguments)
        return subprocess.run(command, input=text, capture_output=True, text=True, check=False)

    def _refusal(self, done: subprocess.CompletedProcess[str]) -> BackupError:
        said = children.last_words(done.stderr)
        reason = _REASONS.get(done.returncode, "The repository {url} cannot be used: {said}")
        kind = BackupError
        if done.returncode == _LOCKED:
            kind = LockedError
            # restic takes nothing away by itself. Stale is, to it, what was not renewed for half an hour.
            self._run("unlock", "--quiet")
        return kind(reason.format(url=self.url, said=said))

    def exists(self) -> bool:
        done = self._run("cat", "config")
        if done.returncode not in (0, _ABSENT):
            raise self._refusal(done)
        return done.returncode == 0

    def make(self) -> None:
        self.ask("init")

    def check(self) -> None:
        """Read all of it. Raises BackupError, with the names of packs that are not what was stored, or not there.

        Without a lock: with one nothing else could be stored for hours. What is removed meanwhile is missed once.
        """
        for last in (False, True):
            done = self._run("check", "--read-data", "--no-lock")
            if not done.returncode:
                return
            kinds = {"damaged packs": _DAMAGED, "missing packs": _MISSING}
            found = {kind: pattern.findall(done.stdout + done.stderr) for kind, pattern in kinds.items()}
            named = "; ".join(f"{kind}: {' '.join(packs)}" for kind, packs in found.items() if packs)
            if last and named:
                raise BackupError(f"The repository {self.url} cannot be used: {named}")
            if last:
                raise self._refusal(done)

    def store(self, identifier: str, log: IO[bytes], *tags: str) -> children.Child:
        """A process that keeps what it is given as the stream of a backup."""
        name = self.name("store")
        arguments = ["backup", "--stdin", "--stdin-filename", f"{identifier}.stream", "--host", self._config["cluster"]]
        arguments += [f"--tag={tag}" for tag in ("stream", identifier, *tags)]
        return self._child(name, "<", log, *arguments)

    def fetch(self, identifier: str, log: IO[bytes]) -> children.Child:
        """A process that gives the stream of a backup."""
        listed = self.snapshots(lenient=True)
        streams = [each for each in listed if each.get("tags", [])[:2] == ["stream", identifier]]
        if not streams:
            said = "not there" if listed.whole else "not among what could be read"
            raise BackupError(f"Fetching {identifier} from {self.url} failed: its stream is {said}.")
        # By its own name: to find the latest one restic reads all snapshots, and any damaged one would be in the way.
        snapshot = max(streams, key=lambda each: each["time"])["id"]
        return self._child(self.name("fetch"), ">", log, *_DUMP, snapshot, f"/{identifier}.stream")

    def commit(self, manifest: Manifest) -> None:
        arguments = ["backup", "--json", "--stdin", "--stdin-filename", f"{manifest.id}.json"]
        arguments += ["--host", manifest.cluster, "--tag", "manifest", "--tag", manifest.id]
        text = manifest.to_json()
        stored = json.loads(self.ask(*arguments, text=text).splitlines()[-1])
        write(self._known() / stored["snapshot_id"], text)

    def _known(self) -> Path:
        """The manifests that this host has seen, by their snapshots' names."""
        known = self._directory / "manifests"
        known.mkdir(mode=0o700, exist_ok=True)
        return known

    def snapshots(self, lenient: bool = False) -> Snapshots:
        """All of this cluster; to be given to what reads them, where that is more than one.

        Raises BackupError where some cannot be read: what is not told looks as if it was not there. lenient: where that
        does no harm, they are named, and left out.
        """
        done = self._run("snapshots", "--json", "--host", self._config["cluster"])
        if done.returncode:
            raise self._refusal(done)
        found = Snapshots(json.loads(done.stdout) or [])
        unread = _UNREAD.findall(done.stderr)
        if unread:
            said = f"Not all of the repository {self.url} could be read: {' / '.join(unread)}"
            if not lenient:
                raise BackupError(said)
            print(said, file=sys.stderr, flush=True)
            found.whole = False
        return found

    def known(self) -> bool:
        """Whether this host has seen a backup in it."""
        return any(self._known().iterdir())

    def manifests(self, listed: Snapshots | None = None, lenient: bool = False) -> list[Manifest]:
        """Of all backups of this cluster. A snapshot never changes, so what was read once is kept on this host.

        lenient: where it does not matter if there was another one, one that cannot be read is named, and left out.
        """
        known = self._known()
        listed = self.snapshots(lenient) if listed is None else listed
        snapshots = {each["id"]: each["paths"][0] for each in listed if "manifest" in each.get("tags", [])}
        for identifier, path in snapshots.items():
            kept = known / identifier
            if not kept.exists():
                try:
                    text = self.ask(*_DUMP, identifier, path)
                    Manifest.from_json(text)
                except LockedError:
                    raise
                except BackupError as error:
                    said = f"The manifest {path.strip('/')} cannot be read: {error}"
                    if not lenient:
                        raise BackupError(said) from None
                    print(said, file=sys.stderr, flush=True)
                    continue
                write(kept, text)
        for kept in known.iterdir() if listed.whole else ():
            # Two processes may be at it.
            if kept.name not in snapshots and not kept.name.startswith("."):
                kept.unlink(missing_ok=True)
        found = [known / identifier for identifier in snapshots if (known / identifier).exists()]
        return [Manifest.from_json(kept.read_text(encoding="utf-8")) for kept in found]

    def forget(self, identifiers: Iterable[str]) -> None:
        """Both snapshots of each backup: the manifest first, so that none is ever without its stream."""
        unwanted = set(identifiers)
        snapshots = [each for each in self.snapshots() if unwanted & set(each.get("tags", []))]
        snapshots.sort(key=lambda each: "manifest" not in each["tags"])
        for tag in ("manifest", "stream"):
            ids = [each["id"] for each in snapshots if tag in each["tags"]]
            if ids:
                self.ask("forget", *ids)

    def binlogs(self, listed: Snapshots | None = None) -> list[Segment]:
        """All archived binary logs of this cluster that were stored whole."""
        listed = self.snapshots() if listed is None else listed
        return [segment for segment, whole in self._segments(listed) if whole]

    def cut_short(self, listed: Snapshots) -> list[str]:
        """Snapshots of binary logs that hold less than they say: restic kept what it had as their writer was killed."""
        return [segment.snapshot for segment, whole in self._segments(listed) if not whole]

    @staticmethod
    def _segments(listed: Snapshots) -> Iterator[tuple[Segment, bool]]:
        for each in listed:
            if each.get("tags", [])[:1] == ["binlog"]:
                segment = Segment.from_tags(each["id"], each["tags"], utc(each["time"]))
                yield segment, each.get("summary", {}).get("total_bytes_processed", segment.size) == segment.size

    def branches(self, listed: Snapshots) -> list[Branch]:
        """The records of this cluster's branches; two nodes may have recorded the same one."""
        tagged = [each for each in listed if each.get("tags", [])[:1] == ["branch"]]
        return [Branch.from_tags(each["id"], each["tags"]) for each in tagged]

    def begin(self, branch: Branch) -> None:
        """Record a branch. All of it is in the tags; nothing removes it."""
        arguments = ["backup", "--json", "--stdin", "--stdin-filename", f"{branch.name}.branch"]
        arguments += ["--host", self._config["cluster"], *(f"--tag={tag}" for tag in branch.tags())]
        self.ask(*arguments, text=f"{branch.name}\n")

    def store_binlog(self, segment: Segment, file: IO[bytes]) -> Segment:
        """Keep the first segment.size bytes of a binary log; the segment with its snapshot."""
        name = self.name("store-binlog")
        arguments = ["backup", "--json", "--stdin", "--stdin-filename", f"{segment.node}.{segment.file}"]
        arguments += ["--host", self._config["cluster"], *(f"--tag={tag}" for tag in segment.tags())]
        with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as told:
            with self._child(name, "<", said, *arguments, stdout=told) as target:
                children.send(file, segment.size, target, "restic")
            told.seek(0)
            last = json.loads(told.read().splitlines()[-1])
        return replace(segment, snapshot=last["snapshot_id"])

    def fetch_binlog(self, segment: Segment, target: IO[bytes]) -> None:
        """A binary log into a file: more of it than the segment where a longer copy has taken its place meanwhile."""
        tried = {segment.snapshot}
        while True:
            try:
                return self._fetch_binlog(segment, target)
            except BackupError:
                replaced = longer(self.binlogs(self.snapshots(lenient=True)), segment)
                if replaced is None or replaced.snapshot in tried:
                    raise
                segment = replaced
                tried.add(segment.snapshot)
                target.seek(0)
                target.truncate()

    def _fetch_binlog(self, segment: Segment, target: IO[bytes]) -> None:
        name = self.name("fetch-binlog")
        file = f"/{segment.node}.{segment.file}"
        with (
            tempfile.TemporaryFile() as said,
            self._child(name, ">", said, *_DUMP, segment.snapshot, file) as source,
        ):
            children.Copied(self._config.get("write_rate", 0)).copy(source.output, target)
            source.end(f"Fetching {segment.file} of {segment.node}")

    def drop(self, snapshots: Iterable[str]) -> None:
        """At once, or not at all: to forget takes the repository for itself, and a backup may have it for hours."""
        self.ask("forget", "--retry-lock", "0s", *snapshots)

    @staticmethod
    def unfinished(listed: Snapshots) -> list[tuple[str, float]]:
        """Ids of streams without a manifest and when they began: of runs that go on, or did not come to their end."""
        whole = {each["tags"][1] for each in listed if each.get("tags", [])[:1] == ["manifest"]}
        streams = [each for each in listed if each.get("tags", [])[:1] == ["stream"]]
        return sorted((each["tags"][1], utc(each["time"])) for each in streams if each["tags"][1] not in whole)

    def writers(self, now: float, patience: float) -> list[str]:
        """Names of containers of other nodes that write to the repository; a lock is renewed every five minutes."""
        found = []
        # Long ones do not begin with the owner: its own, and that of the archive of its node's binary logs.
        own = {children.host_name(f"{owner}-store", owner) for owner in (self._owner, f"{self._owner}-binlog")}
        for identifier in self.ask("list", "locks", "--no-lock").split():
            try:
                lock = json.loads(self.ask("cat", "lock", identifier, "--no-lock"))
            except BackupError:
                # Given back meanwhile.
                continue
            since = utc(lock["time"])
            mine = lock["hostname"] in own or lock["hostname"].startswith(f"{self._owner}-")
            if not mine and lock["hostname"].endswith("-store") and now - since < patience:
                found.append(lock["hostname"])
        return found
