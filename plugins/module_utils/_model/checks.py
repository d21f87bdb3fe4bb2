# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every changing verb checks before it changes anything, as a table: applies, wrong, sentence. Pure.

A cluster is made only where no trace of one is. What the hosts tell is compared with what the inventory says; all
problems of all hosts are told at once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from ansible_collections.dbops.galera.plugins.module_utils._model.branch import CLUSTER_LENGTH, SUFFIX, Branch
from ansible_collections.dbops.galera.plugins.module_utils._model.election import split
from ansible_collections.dbops.galera.plugins.module_utils._model.floors import Server
from ansible_collections.dbops.galera.plugins.module_utils._model.floors import judge as hold_against
from ansible_collections.dbops.galera.plugins.module_utils._model.inventory import (
    LEAVING,
    MEMBER,
    Cluster,
    Place,
    Run,
)
from ansible_collections.dbops.galera.plugins.module_utils._model.ports import name_taken
from ansible_collections.dbops.galera.plugins.module_utils._model.report import Report
from ansible_collections.dbops.galera.plugins.module_utils._model.settings import (
    SAME,
    comparable,
    outside_datadir,
    risky,
    setting,
    wrong,
)
from ansible_collections.dbops.galera.plugins.module_utils._model.traces import BOOTSTRAP, Container
from ansible_collections.dbops.galera.plugins.module_utils._model.words import joined

# Verbs that neither start a node nor make one.
RESTFUL = ("stop", "move_writer", "backup")
# Verbs that do not even read a node's settings.
KEEPING = (*RESTFUL, "restart")
# Verbs that rename a datadir.
RENAMING = ("repair_node", "restore", "remove_node", "replace_node")
LINEAR = ("linear", "mitogen_linear", "debug")
_CLUSTER_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_VOLUME_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_MOVE = "To move a node on purpose, take it out with remove_node and add it with add_node, one host at a time."

S = TypeVar("S")


def _no(_subject: object) -> bool:
    return False


def _yes(_subject: object) -> bool:
    return True


@dataclass(frozen=True)
class Check(Generic[S]):
    """A row. wrong gives each thing that is wrong, sentence tells one of them; where mild holds, it is a warning.

    A row of_traces does not apply where a person gives all traces up.
    """

    name: str
    wrong: Callable[[S], Iterable[Any]]
    sentence: Callable[[S, Any], str]
    applies: Callable[[S], bool] = _yes
    mild: Callable[[S], bool] = _no
    of_traces: bool = False


@dataclass(frozen=True)
class Verdict:
    """problems refuse the run. branch is the youngest found, forget whether all traces are given up."""

    problems: tuple[str, ...]
    warnings: tuple[str, ...]
    branch: Branch
    forget: bool = False


def judge_run(run: Run) -> list[str]:
    """What speaks against the way in which ansible-playbook was called."""
    return [sentence for check in RUNS for sentence in _sentences(check, run)]


def judge(cluster: Cluster) -> Verdict:
    """What speaks against a change of a cluster, and what its hosts tell of it."""
    problems: list[str] = []
    warnings: list[str] = []
    for check in CLUSTERS:
        (warnings if check.mild(cluster) else problems).extend(_sentences(check, cluster))
    for place in cluster.reached:
        for row in HOSTS:
            if not (row.of_traces and cluster.forgetting):
                told = [f"{place.host.name}: {sentence}" for sentence in _sentences(row, place)]
                (warnings if row.mild(place) else problems).extend(told)
    forget = cluster.forgetting and not problems
    return Verdict(
        problems=tuple(problems),
        warnings=tuple(warnings),
        branch=Branch(cluster.name) if forget else cluster.branch,
        forget=forget,
    )


def _sentences(check: Check[S], subject: S) -> list[str]:
    return [check.sentence(subject, thing) for thing in check.wrong(subject)] if check.applies(subject) else []


# The run: how ansible-playbook was called.


# Molecule skips these in every run of its own; nothing of ours has them.
MOLECULE_TAGS = ("molecule-notest", "notest", "molecule-idempotence-notest")


def _tags(run: Run) -> Iterator[str]:
    if list(run.tags) != ["all"]:
        yield f"--tags {','.join(run.tags)}"
    if skipped := [tag for tag in run.skip_tags if tag not in MOLECULE_TAGS]:
        yield f"--skip-tags {','.join(skipped)}"


def _say_tags(_run: Run, option: str) -> str:
    return (
        f"{option}: the checks, the lock and the order of hosts in a playbook of this collection belong together, so "
        "it runs completely or not at all. Run it without --tags and --skip-tags; the tags of the roles are for "
        "playbooks of your own."
    )


def _strategy(run: Run) -> Iterator[str]:
    if run.strategy.rpartition(".")[2] not in LINEAR:
        yield run.strategy


def _say_strategy(_run: Run, strategy: str) -> str:
    return (
        f"The strategy is {strategy} (in ansible.cfg or ANSIBLE_STRATEGY): it lets a host run ahead of the others, and "
        "order matters in a cluster. Set the strategy to linear."
    )


RUNS: tuple[Check[Run], ...] = (
    Check("tags", _tags, _say_tags),
    Check("strategy", _strategy, _say_strategy),
)


# The cluster.


def _left_out(cluster: Cluster) -> Iterator[str]:
    if missing := [host.name for host in cluster.hosts if host.name not in cluster.run.hosts]:
        yield joined(missing)


def _say_left_out(cluster: Cluster, missing: str) -> str:
    return (
        f"--limit leaves out {missing} of the cluster {cluster.name}: order matters in a cluster, so a run needs all "
        "of its hosts. Run it without --limit, or with all hosts of the cluster in it."
    )


def _bad_name(cluster: Cluster) -> Iterator[str]:
    name = cluster.name
    if len(name) > CLUSTER_LENGTH:
        yield (
            f"it has {len(name)} characters, and {CLUSTER_LENGTH} are possible, because Galera takes 32 and a forced "
            "recovery adds the number of its branch"
        )
    elif not _CLUSTER_NAME.fullmatch(name):
        yield "it must begin with a letter or digit, and may have letters, digits, '-', '_' and '.'"
    elif SUFFIX.search(name):
        yield "it ends like the name of a branch of a forced recovery, in a dot, a number and perhaps a letter"


def _say_bad_name(cluster: Cluster, why: str) -> str:
    return f"galera_cluster_name is '{cluster.name}': {why}. Choose another name."


def _twins(cluster: Cluster) -> Iterator[list[Place]]:
    youngest = cluster.branch.generation
    twins = [place for place in cluster.nodes if place.branch.generation == youngest]
    if youngest > 1 and len({place.branch.uuid for place in twins}) > 1:
        yield twins


def _say_twins(cluster: Cluster, twins: Sequence[Place]) -> str:
    told = [f"{place.host.name} holds {place.branch.uuid} (recover_force={place.branch.forced})" for place in twins]
    return (
        f"Two forced recoveries of {cluster.name} each began a branch {cluster.branch.generation}: {joined(told)}. "
        "Decide which one lives, stop the nodes of both (docker stop), and run recover with a recover_force that names "
        "a host of it: that begins a younger branch, and keeps the datadirs of the other one under dated names."
    )


def _split(cluster: Cluster) -> Iterator[str]:
    told = [(place, place.traces.live) for place in cluster.nodes if not place.abandoned]
    live = [
        Report(
            name=place.host.name,
            node=place.host.node,
            state="running",
            cluster_status="Primary",
            gcomm_uuid=seen.gcomm_uuid,
            view_members=seen.view_members,
        )
        for place, seen in told
        if seen
    ]
    if sentence := split(live):
        yield sentence


def _say_split(_cluster: Cluster, sentence: str) -> str:
    return sentence


def _below_a_floor(cluster: Cluster) -> list[str]:
    """Only of nodes that serve: the image of a node that is to be made is asked where it is tried."""
    told = [(place.host, place.traces.live) for place in cluster.nodes]
    servers = [Server(host.name, host.node, live.version, live.provider, running=True) for host, live in told if live]
    return list(hold_against(servers, cluster.floors).warnings)


def _say_below_a_floor(_cluster: Cluster, sentence: str) -> str:
    return sentence


def _all_emptied(cluster: Cluster) -> Iterator[str]:
    if _bare(cluster) and any(_is_emptied(place) for place in cluster.members):
        yield cluster.name_of_all


def _say_all_emptied(cluster: Cluster, uuids: str) -> str:
    return (
        f"No host of {cluster.name} holds data, and there were some. Mount the disks and run again. If the data are "
        "lost and there are backups, run restore, which works on empty hosts. Only to give all data up and begin a new "
        f"cluster, run site with -e galera_forget_cluster={uuids}"
    )


def _forget_in_vain(cluster: Cluster) -> Iterator[str]:
    if cluster.run.verb != "site":
        yield "only the playbook site reads it"
    elif cluster.uuids:
        yield f"the hosts of {cluster.name} tell of {joined(cluster.uuids)}"
    else:
        yield f"no host of {cluster.name} tells of it"


def _say_forget_in_vain(cluster: Cluster, why: str) -> str:
    return f"galera_forget_cluster is {','.join(cluster.run.forget)}, and {why}: it gives nothing up in this run."


def _running(cluster: Cluster) -> Iterator[str]:
    running = [
        f"{container.name} on {place.host.name}"
        for place in cluster.nodes
        for container in place.traces.containers
        if container.running and (container.node_of(cluster.name) or place.carries(container.name))
    ]
    if running:
        yield f"{joined(running)} {'runs' if len(running) == 1 else 'run'}"


def _say_running(cluster: Cluster, running: str) -> str:
    return (
        f"galera_forget_cluster gives up all data of {cluster.name}, and {running}. Stop the cluster first, with the "
        "playbook stop; a node that is in no Primary Component, with docker stop."
    )


def _not_given_up(cluster: Cluster) -> Iterator[tuple[str, str]]:
    for place in cluster.nodes:
        for uuid in place.uuids:
            if uuid not in cluster.run.forget:
                yield place.host.name, uuid


def _say_not_given_up(cluster: Cluster, told: tuple[str, str]) -> str:
    return (
        f"{told[0]}: it holds traces of {told[1]}, which galera_forget_cluster does not name. To give up everything, "
        f"name it too: -e galera_forget_cluster={cluster.name_of_all}"
    )


def _immovable(cluster: Cluster) -> Iterator[tuple[Place, str]]:
    for place in cluster.nodes:
        if what := place.traces.datadir.immovable:
            yield place, what


def _say_immovable(_cluster: Cluster, found: tuple[Place, str]) -> str:
    place, what = found
    return (
        f"{place.host.name}: the datadir {place.host.datadir} is {what} and not empty, so it cannot be kept under a "
        "dated name. Copy what it holds elsewhere, empty it, and run again."
    )


def _is_forgetting(cluster: Cluster) -> bool:
    return cluster.forgetting


def _unlike(cluster: Cluster) -> Iterator[tuple[str, dict[str, str]]]:
    """Settings that data are made with: a node gets its data from another one, and has to read them the same way."""
    for name, default in SAME.items():
        said = {
            place.host.name: comparable(name, setting(place.host.settings.config, name, default))
            for place in cluster.nodes
        }
        if len(set(said.values())) > 1:
            yield name, said


def _say_unlike(_cluster: Cluster, found: tuple[str, dict[str, str]]) -> str:
    name, said = found
    told = joined([f"{value} on {host}" for host, value in said.items()])
    return f"mariadb_config: {name} is {told}. Nodes get their data from each other, so set the same on all of them."


CLUSTERS: tuple[Check[Cluster], ...] = (
    Check("limit", _left_out, _say_left_out),
    # Nobody can rename a cluster that lives: it is only told.
    Check("cluster name", _bad_name, _say_bad_name, mild=lambda cluster: bool(cluster.name) and cluster.known),
    Check("split", _split, _say_split),
    # status says so at any time, and upgrade in its plan; the other verbs would only repeat it.
    Check(
        "versions below a floor",
        _below_a_floor,
        _say_below_a_floor,
        applies=lambda cluster: cluster.run.verb == "site",
        mild=_yes,
    ),
    Check(
        "twin branches",
        _twins,
        _say_twins,
        applies=lambda cluster: cluster.run.verb not in RESTFUL and not cluster.forgetting,
        mild=lambda cluster: cluster.run.verb in ("recover", "restore"),
    ),
    Check(
        "all emptied",
        _all_emptied,
        _say_all_emptied,
        applies=lambda cluster: cluster.run.verb not in (*RESTFUL, "restore") and not cluster.forgetting,
    ),
    Check(
        "forget: in vain",
        _forget_in_vain,
        _say_forget_in_vain,
        applies=lambda cluster: bool(cluster.run.forget) and not cluster.forgetting,
        mild=_yes,
    ),
    Check("settings that differ", _unlike, _say_unlike, applies=lambda cluster: cluster.run.verb not in KEEPING),
    Check("forget: running", _running, _say_running, applies=_is_forgetting),
    Check("forget: not named", _not_given_up, _say_not_given_up, applies=_is_forgetting),
    Check("forget: immovable", _immovable, _say_immovable, applies=_is_forgetting),
)


# A host. The sentences get its name in front.


def _bad_paths(place: Place) -> Iterator[str]:
    root, datadir = place.host.root, place.host.datadir
    if not root.startswith("/"):
        yield f"galera_root is '{root}': it must be an absolute directory"
    if not (datadir.startswith("/") or _VOLUME_NAME.fullmatch(datadir)):
        yield f"mariadb_datadir is '{datadir}': it must be an absolute directory or the name of a Docker volume"
    for variable, path in (("galera_root", root), ("mariadb_datadir", datadir)):
        if ".." in path.split("/"):
            yield f"{variable} is '{path}': write the path without '..'"


def _say_bad_paths(_place: Place, why: str) -> str:
    return f"{why}."


def _wrong_settings(place: Place) -> Iterator[str]:
    yield from wrong(place.host.settings)


def _risky_settings(place: Place) -> Iterator[str]:
    yield from risky(place.host.settings)


def _say_settings(_place: Place, sentence: str) -> str:
    return sentence


def _parts_elsewhere(place: Place) -> Iterator[str]:
    if names := outside_datadir(place.host.settings):
        yield joined(names)


def _say_parts_elsewhere(place: Place, names: str) -> str:
    return (
        f"{place.host.node} has a part of its data outside of its datadir (by {names} in mariadb_config), and "
        f"{place.run.verb} moves or keeps the datadir only. How to bring a node's data together by hand: section "
        '"Further directories" of the README of the role mariadb.'
    )


def _other_cluster(place: Place) -> Iterator[tuple[str, str]]:
    """Names of other clusters that this node or this datadir belongs to, and who says so."""
    traces = place.traces
    passed = {"", place.cluster.name}
    for container in traces.containers:
        concerned = container.name == place.host.node or traces.here(container)
        if concerned and container.datadir and container.cluster not in passed:
            passed.add(container.cluster)
            yield container.cluster, f"container {container.name}"
    for record in traces.records:
        concerned = record.node == place.host.node or traces.on_it(record)
        if concerned and record.had_data and record.cluster not in passed:
            passed.add(record.cluster)
            yield record.cluster, f"the record {record.path}"
    # The settings name a group, and a cluster of before these checks may have a name like one.
    passed.add(SUFFIX.sub("", place.cluster.name))
    for mark in traces.marks:
        if mark.cluster not in passed and not traces.datadir.blank:
            passed.add(mark.cluster)
            yield mark.cluster, mark.path


def _say_other_cluster(place: Place, found: tuple[str, str]) -> str:
    other, source = found
    return (
        f"{place.host.node} belongs to the cluster {other}, and galera_cluster_name is {place.cluster.name} (by "
        f"{source}, datadir {place.host.datadir}). Nodes of two names do not join each other. Set galera_cluster_name "
        "back; a second cluster on this host needs a galera_node_name, a mariadb_datadir and ports of its own."
    )


def _renamed(place: Place) -> Iterator[tuple[str, str]]:
    """Nodes of this cluster on this host that have another name, and who says so."""
    passed = {place.host.node, place.host.bootstrap_container}
    for container in place.traces.containers:
        if container.node_of(place.cluster.name) and container.part != BOOTSTRAP and container.name not in passed:
            passed.add(container.name)
            yield container.name, f"container {container.name}"
    for record in place.traces.records:
        if record.cluster == place.cluster.name and record.had_data and record.node not in passed:
            yield record.node, f"the record {record.path}"


def _say_renamed(place: Place, found: tuple[str, str]) -> str:
    name, source = found
    return (
        f"this host carries {name}, a node of {place.cluster.name}, and galera_node_name is {place.host.node} (by "
        f"{source}). Set galera_node_name back to {name}. For a node of another name, take this one out with "
        "remove_node first."
    )


def _elsewhere(place: Place) -> Iterator[tuple[str, str]]:
    """Where else this node's data are, and who says so."""
    traces, cluster, found = place.traces, place.cluster.name, False
    for container in traces.containers:
        ours = place.carries(container.name) and container.cluster in ("", cluster)
        ours = ours or (container.node_of(cluster) and container.part == BOOTSTRAP)
        if ours and container.datadir and not traces.here(container):
            found = True
            yield container.datadir, f"container {container.name}"
    record = place.record
    if record and record.datadir and record.had_data and not found and not traces.on_it(record):
        yield record.datadir, f"the record {record.path}"


def _say_elsewhere(place: Place, found: tuple[str, str]) -> str:
    datadir, source = found
    return (
        f"{place.host.node} of {place.cluster.name} has its data at {datadir}, and mariadb_datadir is "
        f"{place.host.datadir} (by {source}). Set mariadb_datadir (or galera_root) back. {_MOVE}"
    )


def _other_root(place: Place) -> Iterator[Container]:
    for container in place.traces.containers:
        ours = container.name == place.host.node and container.cluster in ("", place.cluster.name)
        if ours and container.run not in ("", place.traces.run) and place.traces.here(container):
            yield container


def _say_other_root(place: Place, container: Container) -> str:
    return (
        f"container {container.name} has its socket in {container.run}, and galera_root {place.host.root} would have "
        f"it in {place.traces.run}. Set galera_root back. {_MOVE}"
    )


def _no_node(place: Place) -> Iterator[Container]:
    container = place.traces.container(place.host.node)
    if container and not container.datadir:
        yield container


def _say_no_node(_place: Place, container: Container) -> str:
    return (
        f"container {container.name} (image {container.image}) has nothing at /var/lib/mysql, so it is not the node of "
        "that name. Choose another galera_node_name, or remove that container."
    )


def _foreign_parts(place: Place) -> Iterator[str]:
    for variable, name in place.host.parts.items():
        container = place.traces.container(name)
        if container and (sentence := name_taken(variable, name, container.cluster, place.cluster.name)):
            yield sentence


def _say_foreign_parts(_place: Place, sentence: str) -> str:
    return sentence


def _stray(place: Place) -> Iterator[Container]:
    for container in place.traces.containers:
        if container.node_of(place.cluster.name) and container.part != BOOTSTRAP and container.started is not None:
            yield container


def _say_stray(place: Place, container: Container) -> str:
    return (
        f"container {container.name} is a node of {place.cluster.name}, and the host is in neither of the groups "
        "galera and leaving. Put it back into the group galera; to take the node out, put it into the group leaving "
        "and run remove_node."
    )


def _link(place: Place) -> Iterator[str]:
    target = place.traces.datadir.target
    if target and (place.run.verb in RENAMING or place.traces.virgin(place.host.node)):
        yield target


def _say_link(place: Place, target: str) -> str:
    return (
        f"mariadb_datadir is {place.host.datadir}, a symbolic link to {target}. A datadir that is given up gets "
        "another name, which would rename the link, and the next one would be made on the disk of the link. Set "
        f"mariadb_datadir to {target}."
    )


def _unmounted(place: Place) -> Iterator[tuple[str, str]]:
    """A recorded mount point that is none today, with data in its place: what is seen is what the mount had hidden."""
    moved = place.remounted
    if moved and place.record and not place.record.mounted and not place.traces.datadir.blank:
        yield moved


def _say_unmounted(place: Place, moved: tuple[str, str]) -> str:
    record = place.record.path if place.record else ""
    return (
        f"the datadir {place.host.datadir} of {place.host.node} was on the file system mounted at {moved[0]}, which "
        f"is not mounted today; what is there now is on that of {moved[1]}. Mount it and run again. If the data were "
        f"moved on purpose, remove {record}/node.json."
    )


def _misplaced(place: Place) -> bool:
    """Whether the node is here after all, by another path or name: then a blank datadir says nothing of its data."""
    return any(True for wrong in (_other_cluster, _renamed, _elsewhere) for _found in wrong(place))


def _is_emptied(place: Place) -> bool:
    return bool(place.evidence) and not _misplaced(place)


def _bare(cluster: Cluster) -> bool:
    """Whether no member that was reached holds data."""
    return all(place.traces.datadir.blank and not _misplaced(place) for place in cluster.members)


def _brings_data(place: Place) -> bool:
    """Whether this run fills the datadir: a restore, or the repair of this host."""
    return place.run.verb == "restore" or (place.run.verb, place.run.repaired) == ("repair_node", place.host.name)


def _emptied(place: Place) -> Iterator[str]:
    if _is_emptied(place) and not (_brings_data(place) and place.remounted is None):
        yield joined(place.evidence)


def _say_emptied(place: Place, evidence: str) -> str:
    moved = place.remounted
    mounts = f" It was on the file system mounted at {moved[0]}, and is on that of {moved[1]} today." if moved else ""
    return (
        f"the datadir {place.host.datadir} of {place.host.node} {place.traces.datadir}, and {place.host.node} had data "
        f"(by {evidence}). Is its disk mounted?{mounts}{_way_out(place)}"
    )


def _way_out(place: Place) -> str:
    verb = place.run.verb
    if _brings_data(place):
        return f" Mount it, then run {verb} again: it does not fill the disk of another mount point."
    if _bare(place.cluster):
        return ""
    if verb == "recover":
        return " Mount it and run again. The plan names what to do if its data are lost."
    return (
        " Mount it and run again. If the data of this host are lost, run repair_node with "
        f"-e repair_node_host={place.host.name}, which fills it from the other nodes."
    )


def _ibdata_only(place: Place) -> Iterator[str]:
    if place.traces.datadir.ibdata_only and not (place.begins or _brings_data(place)):
        yield place.host.datadir


def _say_ibdata_only(place: Place, datadir: str) -> str:
    others = [other for other in place.cluster.members if other.host.name != place.host.name]
    without = [other for other in others if other.traces.datadir.blank or other.traces.datadir.ibdata_only]
    way_out = (
        "To keep them under a dated name and begin a new cluster, run site with "
        f"-e galera_forget_cluster={place.cluster.name_of_all}"
        if others == without and not any(_misplaced(other) for other in others)
        else f"Run repair_node with -e repair_node_host={place.host.name}, which keeps them under a dated name and "
        "fills a new datadir from the other nodes."
    )
    return (
        f"the datadir {datadir} of {place.host.node} holds ibdata1, and its mysql/ is empty or absent: these are data "
        f"without system tables, and nothing is initialised over them. {way_out}"
    )


def _abandoned(place: Place) -> Iterator[Branch]:
    if place.abandoned:
        yield place.branch


def _say_abandoned(place: Place, own: Branch) -> str:
    host, younger = place.host.name, place.cluster.branch
    when = f" on {younger.begun}" if younger.begun else ""
    serves = any(other.traces.live for other in place.cluster.nodes if not other.abandoned)
    first = "While the cluster is down, run recover first, which leaves it alone. "
    return (
        f"it holds branch {own.generation} of {place.cluster.name}, given up{when} by recover_force={younger.forced}, "
        f"and is not started. {first if place.run.verb == 'start' and not serves else ''}"
        f"Take it in with repair_node -e repair_node_host={host}, which keeps its datadir. If that recovery was "
        "interrupted, run it again with the same recover_force."
    )


def _is_node(place: Place) -> bool:
    return place.host.has_node


def _starts(place: Place) -> bool:
    """Whether the run may start this member's node."""
    return place.host.member and place.run.verb not in RESTFUL


def _others_go_on(place: Place) -> bool:
    """Whether a member without data only is told.

    Beside the repair of another, and in a recovery, whose plan names the words that overrule it; there not without them
    where no record but other traces say that there were data, since the plan does not know those.
    """
    if place.run.verb == "repair_node":
        return place.run.repaired != place.host.name
    known = bool(place.run.forced) or bool(place.record and place.record.had_data)
    return place.run.verb == "recover" and known and not _bare(place.cluster)


def _is_beside(place: Place) -> bool:
    """As _others_go_on, where no plan names the datadir."""
    return _others_go_on(place) and (place.run.verb != "recover" or bool(place.run.forced))


HOSTS: tuple[Check[Place], ...] = (
    Check("paths", _bad_paths, _say_bad_paths, applies=_is_node),
    Check(
        "settings",
        _wrong_settings,
        _say_settings,
        applies=_is_node,
        mild=lambda place: place.run.verb in KEEPING,
    ),
    Check("risky settings", _risky_settings, _say_settings, applies=_is_node, mild=_yes),
    Check(
        "parts of the data elsewhere",
        _parts_elsewhere,
        _say_parts_elsewhere,
        applies=lambda place: _is_node(place) and (place.run.verb in RENAMING or bool(place.run.forced)),
    ),
    Check("other cluster", _other_cluster, _say_other_cluster, applies=_is_node),
    Check("renamed", _renamed, _say_renamed, applies=_is_node, of_traces=True),
    Check("elsewhere", _elsewhere, _say_elsewhere, applies=_is_node, of_traces=True),
    Check("other root", _other_root, _say_other_root, applies=_is_node, of_traces=True),
    Check("no node", _no_node, _say_no_node, applies=_is_node),
    Check("parts of another cluster", _foreign_parts, _say_foreign_parts),
    Check(
        "stray node",
        _stray,
        _say_stray,
        applies=lambda place: place.host.groups.isdisjoint((MEMBER, LEAVING)),
        mild=lambda place: place.run.verb in (*RESTFUL, "recover"),
    ),
    Check("link", _link, _say_link, applies=_is_node),
    Check("unmounted", _unmounted, _say_unmounted, applies=_starts, of_traces=True),
    Check("emptied", _emptied, _say_emptied, applies=_starts, mild=_others_go_on, of_traces=True),
    Check("ibdata only", _ibdata_only, _say_ibdata_only, applies=_starts, mild=_is_beside, of_traces=True),
    Check(
        "abandoned branch",
        _abandoned,
        _say_abandoned,
        applies=lambda place: place.host.member and place.run.verb not in ("stop", "restore"),
        mild=lambda place: place.run.verb in ("recover", "repair_node", "move_writer", "backup"),
        of_traces=True,
    ),
)
