# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each check with its whole sentence, on three hosts that carry a sound cluster but for what a test changes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.dbops.galera.plugins.module_utils._model import checks
from ansible_collections.dbops.galera.plugins.module_utils._model.checks import Verdict, judge, judge_run
from ansible_collections.dbops.galera.plugins.module_utils._model.floors import Floors
from ansible_collections.dbops.galera.plugins.module_utils._model.inventory import Cluster, Host, Run
from ansible_collections.dbops.galera.plugins.module_utils._model.settings import Asked
from ansible_collections.dbops.galera.plugins.module_utils._model.traces import (
    Container,
    Datadir,
    Live,
    Mark,
    Record,
    Traces,
)

UUID = "6f8c1a62-8f0b-11ee-9d3a-7a1c9a4e0f11"
OTHER = "11111111-2222-3333-4444-555555555555"
ALL = ("host1", "host2", "host3")
STARTING = ("site", "start", "recover", "restart", "upgrade", "add_node", "remove_node", "replace_node")
MOVE = "To move a node on purpose, take it out with remove_node and add it with add_node, one host at a time."


def datadir(number: int = 1, root: str = "/containers", **changes: Any) -> Datadir:
    path = f"{root}/mariadb{number}/datadir"
    full = {
        "given": path,
        "resolved": path,
        "exists": True,
        "entries": ("grastate.dat", "ibdata1", "mysql"),
        "tables": True,
        "ibdata1": True,
        "uuid": UUID,
        "mountpoint": "/containers",
    }
    return Datadir(**{**full, **changes})


def blank(number: int = 1, **changes: Any) -> Datadir:
    return datadir(number, **{"entries": (), "tables": False, "ibdata1": False, "uuid": "", **changes})


def container(number: int = 1, root: str = "/containers", **changes: Any) -> Container:
    path = f"{root}/mariadb{number}"
    living = {
        "name": f"mariadb{number}",
        "cluster": "galera",
        "running": True,
        "started": 1000.0,
        "image": "mariadb:10.11",
        "datadir": f"{path}/datadir",
        "resolved": f"{path}/datadir",
        "uuid": UUID,
        "run": f"{path}/run",
        "recorded": True,
    }
    return Container(**{**living, **changes})


def record(number: int = 1, **changes: Any) -> Record:
    path = f"/containers/mariadb{number}/datadir"
    sound = {
        "path": f"/var/lib/dbops-galera/mariadb{number}",
        "node": f"mariadb{number}",
        "cluster": "galera",
        "datadir": path,
        "resolved": path,
        "mountpoint": "/containers",
        "had_data": True,
        "uuid": UUID,
        "members": ("mariadb1", "mariadb2", "mariadb3"),
    }
    return Record(**{**sound, **changes})


def traces(number: int = 1, **changes: Any) -> Traces:
    sound = {
        "datadir": datadir(number),
        "run": f"/containers/mariadb{number}/run",
        "containers": (container(number),),
        "records": (record(number),),
    }
    return Traces(**{**sound, **changes})


def host(number: int = 1, told: Traces | None = None, **changes: Any) -> Host:
    told = traces(number) if told is None else told
    sound = {
        "name": f"host{number}",
        "node": f"mariadb{number}",
        "bootstrap_container": "mariadb0",
        "root": "/containers",
        "datadir": told.datadir.given,
        "told": told,
    }
    return Host(**{**sound, **changes})


def cluster(*changed: Host, name: str = "galera", verb: str = "site", **run: Any) -> Cluster:
    """Three hosts, of which those that are given take the places of their names or come after the others."""
    hosts = {f"host{number}": host(number) for number in (1, 2, 3)}
    hosts.update({each.name: each for each in changed})
    return Cluster(name, tuple(hosts.values()), Run(**{"verb": verb, "hosts": tuple(hosts), **run}))


def problems(*changed: Host, **how: Any) -> list[str]:
    return list(judge(cluster(*changed, **how)).problems)


def warnings(*changed: Host, **how: Any) -> list[str]:
    return list(judge(cluster(*changed, **how)).warnings)


def test_nodes_read_data_alike() -> None:
    """They get their data from each other."""
    small = host(3, settings=Asked({"mysqld": {"innodb-page-size": "8k"}}, {}))
    same = host(2, settings=Asked({"mariadbd": {"innodb_page_size": "16K", "max_connections": 7}}, {}))
    assert problems(same) == []
    (sentence,) = problems(same, small)
    assert "innodb_page_size is 16384 on host1, 16384 on host2 and 8192 on host3" in sentence
    assert problems(same, small, verb="stop") == []


def test_wrong_settings_are_refused_and_risky_ones_told() -> None:
    wrong = host(2, settings=Asked({"mariadbd": {"skip-networking": None}}, {"pc.ignore_sb": True}))
    told = problems(wrong)
    assert [sentence.partition(":")[0] for sentence in told] == ["host2", "host2"]
    assert problems(wrong, verb="restart") == []
    assert len(warnings(wrong, verb="restart")) == 2
    (risky,) = warnings(host(2, settings=Asked({"mariadbd": {"sync_binlog": 0}}, {})))
    assert risky.startswith("host2: mariadb_config: sync_binlog is 0: ")


def test_data_in_two_places_are_not_exchanged() -> None:
    config = {"mariadbd": {"innodb_log_group_home_dir": "/var/lib/redo"}}
    redo = host(2, settings=Asked(config, {}, volumes=["/disk/redo:/var/lib/redo"]))
    assert problems(redo) == []
    (told,) = problems(redo, verb="remove_node")
    assert "has a part of its data outside of its datadir" in told


# Nothing wrong.


@pytest.mark.parametrize("verb", [*STARTING, "stop", "repair_node", "restore", "backup", "move_writer", "playbook"])
def test_a_sound_cluster_is_let_through(verb: str) -> None:
    verdict = judge(cluster(verb=verb))
    assert (verdict.problems, verdict.warnings) == ((), ())
    assert verdict.branch.group == "galera"
    assert verdict.branch.members == ("mariadb1", "mariadb2", "mariadb3")


def test_new_hosts_are_let_through() -> None:
    new = [host(n, Traces(blank(n, exists=False), run=f"/containers/mariadb{n}/run")) for n in (1, 2, 3)]
    assert judge(cluster(*new)) == Verdict((), (), branch=judge(cluster(*new)).branch)


def test_a_host_that_was_not_reached_is_not_judged() -> None:
    lost = Host("host3", node="mariadb3")
    assert problems(lost, verb="recover") == []


def test_every_row_has_a_name_of_its_own() -> None:
    names = [check.name for table in (checks.RUNS, checks.CLUSTERS, checks.HOSTS) for check in table]
    assert len(names) == len(set(names))


# How the run was called.


def test_tags_are_refused() -> None:
    assert judge_run(Run(tags=("mariadb_configure", "always"))) == [
        (
            "--tags mariadb_configure,always: the checks, the lock and the order of hosts in a playbook of this "
            "collection belong together, so it runs completely or not at all. Run it without --tags and --skip-tags; "
            "the tags of the roles are for playbooks of your own."
        )
    ]
    assert [said[:31] for said in judge_run(Run(skip_tags=("galera_lock",)))] == ["--skip-tags galera_lock: the ch"]
    # Molecule's own.
    assert judge_run(Run(skip_tags=("molecule-notest", "notest", "molecule-idempotence-notest"))) == []


def test_a_strategy_that_lets_hosts_run_ahead_is_refused() -> None:
    assert judge_run(Run(strategy="ansible.builtin.free")) == [
        (
            "The strategy is ansible.builtin.free (in ansible.cfg or ANSIBLE_STRATEGY): it lets a host run ahead of "
            "the others, and order matters in a cluster. Set the strategy to linear."
        )
    ]
    assert judge_run(Run(strategy="host_pinned")) != []


@pytest.mark.parametrize("strategy", ["linear", "ansible.builtin.linear", "mitogen_linear", "debug"])
def test_strategies_that_keep_step_are_let_through(strategy: str) -> None:
    assert judge_run(Run(strategy=strategy)) == []


# The cluster.


def test_a_limit_that_leaves_hosts_out_is_refused() -> None:
    arbitrator = Host("host4", groups=frozenset({"arbitrator"}))
    assert problems(arbitrator, hosts=("host1",)) == [
        (
            "--limit leaves out host2, host3 and host4 of the cluster galera: order matters in a cluster, so a run "
            "needs all of its hosts. Run it without --limit, or with all hosts of the cluster in it."
        )
    ]
    assert problems(verb="stop", hosts=("host1", "host3"))[0].startswith(
        "--limit leaves out host2 of the cluster galera:"
    )
    assert problems(hosts=(*ALL, "host9")) == []


NEW = [host(n, Traces(blank(n, exists=False), run=f"/containers/mariadb{n}/run")) for n in (1, 2, 3)]


@pytest.mark.parametrize(
    ("name", "why"),
    [
        (
            "production-customers-europe-1",
            (
                "it has 29 characters, and 28 are possible, because Galera takes 32 and a forced recovery adds the "
                "number of its branch"
            ),
        ),
        ("", "it must begin with a letter or digit, and may have letters, digits, '-', '_' and '.'"),
        ("my cluster", "it must begin with a letter or digit, and may have letters, digits, '-', '_' and '.'"),
        ("a/b", "it must begin with a letter or digit, and may have letters, digits, '-', '_' and '.'"),
        ("galera.2", "it ends like the name of a branch of a forced recovery, in a dot, a number and perhaps a letter"),
        (
            "galera.2b",
            "it ends like the name of a branch of a forced recovery, in a dot, a number and perhaps a letter",
        ),
    ],
)
def test_a_name_that_cannot_be_a_clusters_is_refused(name: str, why: str) -> None:
    assert problems(*NEW, name=name) == [f"galera_cluster_name is '{name}': {why}. Choose another name."]


@pytest.mark.parametrize("name", ["galera", "shop_1", "a.b-c", "production-customers-europe", "x" * 28])
def test_other_names_are_let_through(name: str) -> None:
    assert problems(*NEW, name=name) == []


def test_the_name_of_a_living_cluster_is_only_warned_of() -> None:
    name = "production-customers-europe-1"
    living = [
        host(n, traces(n, containers=(container(n, cluster=name),), records=(record(n, cluster=name),)))
        for n in (1, 2, 3)
    ]
    verdict = judge(cluster(*living, name=name))
    assert verdict.problems == ()
    assert len(verdict.warnings) == 1


# Where the data are.


@pytest.mark.parametrize(
    ("root", "path", "said"),
    [
        ("containers", "/data/x", "host1: galera_root is 'containers': it must be an absolute directory."),
        (
            "/containers",
            "data/x",
            "host1: mariadb_datadir is 'data/x': it must be an absolute directory or the name of a Docker volume.",
        ),
        (
            "/containers",
            "",
            "host1: mariadb_datadir is '': it must be an absolute directory or the name of a Docker volume.",
        ),
        ("/containers", "/data/../x", "host1: mariadb_datadir is '/data/../x': write the path without '..'."),
    ],
)
def test_a_path_that_is_none_is_refused(root: str, path: str, said: str) -> None:
    new = host(1, Traces(Datadir(path), run="/x"), root=root)
    assert problems(new, *NEW[1:]) == [said]


def test_a_volume_is_let_through() -> None:
    assert problems(host(1, Traces(Datadir("galera_data-1"), run="/x")), *NEW[1:]) == []


@pytest.mark.parametrize("verb", [*STARTING, "stop", "repair_node", "restore"])
def test_a_node_with_its_data_on_another_path_is_refused(verb: str) -> None:
    moved = host(1, traces(datadir=blank(1, root="/srv/containers", exists=False)))
    assert problems(moved, verb=verb) == [
        "host1: mariadb1 of galera has its data at /containers/mariadb1/datadir, and mariadb_datadir is "
        "/srv/containers/mariadb1/datadir (by container mariadb1). Set mariadb_datadir (or galera_root) back. " + MOVE
    ]


def test_it_is_not_said_to_be_empty_then() -> None:
    """Nobody is led to give the data up that lie on the other path."""
    mark = Mark("/containers/mariadb1/run/in-force.cnf", changed=1.0, cluster="galera")
    moved = [
        host(n, traces(n, datadir=blank(n, given="/data/other", resolved="/data/other"), marks=(mark,)))
        for n in (1, 2, 3)
    ]
    verdict = judge(cluster(*moved))
    assert len(verdict.problems) == 3
    assert not any("galera_forget_cluster" in said for said in verdict.problems)
    # Nor where only some hosts are so, and the disk of another one is missing.
    said = problems(*moved[:2], emptied(3))
    assert [sentence for sentence in said if "Is its disk mounted?" in sentence] == [
        sentence for sentence in said if "run repair_node with -e repair_node_host=host3" in sentence
    ]
    assert len(said) == 3


def test_it_is_refused_by_its_record_where_the_container_is_gone() -> None:
    moved = host(1, traces(datadir=blank(1, root="/srv", exists=False), containers=()))
    assert problems(moved) == [
        "host1: mariadb1 of galera has its data at /containers/mariadb1/datadir, and mariadb_datadir is "
        "/srv/mariadb1/datadir (by the record /var/lib/dbops-galera/mariadb1). Set mariadb_datadir (or galera_root) "
        "back. " + MOVE
    ]


def test_a_bootstrap_container_on_another_path_is_refused() -> None:
    clone = container(1, name="mariadb0", part="bootstrap", running=False)
    moved = host(1, traces(datadir=blank(1, root="/srv", exists=False), containers=(clone,), records=()))
    assert ["(by container mariadb0)" in said for said in problems(moved)] == [True]


def test_a_record_of_a_node_that_never_had_data_does_not_matter() -> None:
    moved = host(1, Traces(blank(1, root="/srv", exists=False), run="/x", records=(record(had_data=False),)))
    assert problems(moved, *NEW[1:]) == []


def test_a_path_that_resolves_to_the_same_is_let_through() -> None:
    linked = datadir(1, given="/data/mysql", target="/containers/mariadb1/datadir")
    assert problems(host(1, traces(datadir=linked))) == []


def test_another_root_below_the_same_datadir_is_refused() -> None:
    moved = host(1, traces(run="/srv/mariadb1/run"), root="/srv")
    assert problems(moved) == [
        "host1: container mariadb1 has its socket in /containers/mariadb1/run, and galera_root /srv would have it in "
        "/srv/mariadb1/run. Set galera_root back. " + MOVE
    ]


# Names.


def test_a_renamed_node_is_refused() -> None:
    renamed = host(
        1, traces(datadir=blank(1, given="/containers/db1/datadir", resolved="/containers/db1/datadir")), node="db1"
    )
    assert problems(renamed) == [
        (
            "host1: this host carries mariadb1, a node of galera, and galera_node_name is db1 (by container mariadb1). "
            "Set galera_node_name back to mariadb1. For a node of another name, take this one out with remove_node "
            "first."
        )
    ]


def test_a_renamed_node_is_refused_by_its_record() -> None:
    renamed = host(1, traces(containers=(), datadir=blank(1, given="/containers/db1/datadir", resolved="")), node="db1")
    assert problems(renamed) == [
        (
            "host1: this host carries mariadb1, a node of galera, and galera_node_name is db1 (by the record "
            "/var/lib/dbops-galera/mariadb1). Set galera_node_name back to mariadb1. For a node of another name, take "
            "this one out with remove_node first."
        )
    ]


def test_a_renamed_node_on_the_same_datadir_is_refused() -> None:
    assert len(problems(host(1, node="db1"))) == 1


def test_a_throw_away_container_is_no_node() -> None:
    helper = container(1, name="mariadb1-position", part="throwaway")
    assert problems(host(1, traces(containers=(container(1), helper)))) == []


def test_a_renamed_cluster_is_refused() -> None:
    assert problems(name="shop") == [
        f"host{n}: mariadb{n} belongs to the cluster galera, and galera_cluster_name is shop (by container mariadb{n}, "
        f"datadir /containers/mariadb{n}/datadir). Nodes of two names do not join each other. Set galera_cluster_name "
        "back; a second cluster on this host needs a galera_node_name, a mariadb_datadir and ports of its own."
        for n in (1, 2, 3)
    ]


def test_a_renamed_cluster_is_refused_by_its_record() -> None:
    assert [said.split(" (")[1][:46] for said in problems(host(1, traces(containers=())), *NEW[1:], name="shop")] == [
        "by the record /var/lib/dbops-galera/mariadb1, "
    ]


def test_a_renamed_cluster_is_refused_by_the_settings_it_ran_with() -> None:
    mark = Mark("/containers/mariadb1/run/in-force.cnf", changed=1.0, cluster="galera")
    old = host(1, traces(containers=(), records=(), marks=(mark,)))
    assert [said.split(" (")[1][:43] for said in problems(old, *NEW[1:], name="shop")] == [
        "by /containers/mariadb1/run/in-force.cnf, d"
    ]


def test_a_datadir_of_another_clusters_node_is_refused() -> None:
    theirs = container(1, name="shop1", cluster="shop")
    assert [said[:55] for said in problems(host(1, traces(containers=(theirs,), records=())), *NEW[1:])] == [
        "host1: mariadb1 belongs to the cluster shop, and galera"
    ]


def test_another_cluster_on_the_host_does_not_matter() -> None:
    theirs = container(1, name="shop1", cluster="shop", datadir="/shop/data", resolved="/shop/data", run="/shop/run")
    own = record(1, path="/var/lib/dbops-galera/shop1", node="shop1", cluster="shop", datadir="/shop", resolved="/shop")
    assert problems(host(1, traces(containers=(container(1), theirs), records=(record(1), own)))) == []


def test_a_container_that_is_no_node_is_left_alone() -> None:
    other = Container("mariadb1", image="nginx:1", running=True)
    assert problems(host(1, Traces(blank(1), run="/x", containers=(other,))), *NEW[1:]) == [
        (
            "host1: container mariadb1 (image nginx:1) has nothing at /var/lib/mysql, so it is not the node of that "
            "name. Choose another galera_node_name, or remove that container."
        )
    ]


PARTS = {"proxysql_container": "proxysql", "keepalived_container": "keepalived", "arbitrator_container": "garbd"}


@pytest.mark.parametrize("verb", [*STARTING, "stop", "move_writer", "backup", "restore", "repair_node", "playbook"])
@pytest.mark.parametrize(("variable", "name"), PARTS.items())
def test_a_part_of_another_cluster_is_left_alone(variable: str, name: str, verb: str) -> None:
    theirs = Container(name, cluster="shop", running=True)
    front = host(4, Traces(Datadir(""), containers=(theirs,)), groups=frozenset({"proxysql"}), node="", parts=PARTS)
    (said,) = problems(front, verb=verb)
    assert said.startswith(
        f"host4: container {name} belongs to the cluster shop, and {variable} names it for galera. Set another "
    )


@pytest.mark.parametrize("owner", ["", "galera"])
def test_a_part_of_no_other_cluster_is_taken_over(owner: str) -> None:
    own = Container("proxysql", cluster=owner, running=True)
    assert problems(host(1, traces(containers=(container(1), own)), parts=PARTS)) == []
    theirs = Container("proxysql", cluster="shop", running=True)
    assert problems(host(1, traces(containers=(container(1), theirs)), parts={"proxysql_container": "router"})) == []


def test_a_node_on_a_host_outside_of_its_group_is_refused() -> None:
    stray = host(4, groups=frozenset({"proxysql"}), node="")
    said = (
        "host4: container mariadb4 is a node of galera, and the host is in neither of the groups galera and leaving. "
        "Put it back into the group galera; to take the node out, put it into the group leaving and run remove_node."
    )
    assert problems(stray) == [said]
    assert warnings(stray, verb="recover") == [said]


def test_a_leaving_host_keeps_its_node_until_it_is_removed() -> None:
    assert problems(host(4, groups=frozenset({"leaving"})), verb="remove_node") == []


# Links and mounts.


LINK = Datadir("/data/mysql", resolved="/big/mysql", target="/big/mysql", mountpoint="/big")


def test_a_link_is_refused_for_a_new_node() -> None:
    said = (
        "host1: mariadb_datadir is /data/mysql, a symbolic link to /big/mysql. A datadir that is given up gets another "
        "name, which would rename the link, and the next one would be made on the disk of the link. Set "
        "mariadb_datadir to /big/mysql."
    )
    assert problems(host(1, Traces(LINK, run="/x")), *NEW[1:]) == [said]


@pytest.mark.parametrize(
    ("verb", "refused"),
    [
        ("site", False),
        ("restart", False),
        ("stop", False),
        ("repair_node", True),
        ("restore", True),
        ("remove_node", True),
        ("replace_node", True),
    ],
)
def test_a_link_of_a_living_node_is_refused_by_verbs_that_rename_it(verb: str, refused: bool) -> None:
    full = replace(LINK, exists=True, entries=("mysql",), tables=True)
    living = container(1, datadir="/data/mysql", resolved="/big/mysql")
    assert bool(problems(host(1, traces(datadir=full, containers=(living,), records=())), verb=verb)) is refused


EMPTIED = (
    "host1: the datadir /containers/mariadb1/datadir of mariadb1 is empty, and mariadb1 had data (by the mark "
    "/var/lib/dbops-galera/mariadb1/had-data). Is its disk mounted? "
)
REPAIR = (
    "Mount it and run again. If the data of this host are lost, run repair_node with -e repair_node_host=host1, which "
    "fills it from the other nodes."
)


def emptied(number: int = 1, **changes: Any) -> Host:
    stopped = container(number, running=False, uuid="")
    return host(number, traces(number, **{"datadir": blank(number), "containers": (stopped,), **changes}))


@pytest.mark.parametrize("verb", [verb for verb in STARTING if verb != "recover"])
def test_one_datadir_that_was_emptied_is_refused(verb: str) -> None:
    verdict = judge(cluster(emptied(), verb=verb))
    assert verdict.problems == (EMPTIED + REPAIR,)


def test_one_datadir_that_was_emptied_does_not_keep_the_plan_of_recover_back() -> None:
    """The election refuses by the same mark, and names the words that overrule it."""
    told = EMPTIED + "Mount it and run again. The plan names what to do if its data are lost."
    assert problems(emptied(), verb="recover") == []
    assert warnings(emptied(), verb="recover") == [told]
    # What the election does not know of is refused here.
    mark = Mark("/containers/mariadb1/run/in-force.cnf", changed=1.0, cluster="galera")
    unrecorded = emptied(containers=(), records=(record(1, had_data=False),), marks=(mark,))
    assert len(problems(unrecorded, verb="recover")) == 1
    assert problems(unrecorded, verb="recover", forced=f"host2@{UUID}:7") == []


@pytest.mark.parametrize("verb", checks.RESTFUL)
def test_verbs_that_start_nothing_go_on(verb: str) -> None:
    assert problems(emptied(), verb=verb) == []


@pytest.mark.parametrize(
    ("found", "how"),
    [
        ({"datadir": blank(1, exists=False)}, "is absent"),
        ({"datadir": blank(1, own_entries=True)}, "holds only lost+found"),
    ],
)
def test_how_it_is_empty_is_told(found: dict[str, Any], how: str) -> None:
    assert problems(emptied(**found)) == [EMPTIED.replace("is empty,", f"{how},") + REPAIR]


def test_all_evidence_of_a_version_without_records_is_told() -> None:
    stop = Mark("/containers/mariadb1/stopped.json", changed=2.0, cluster="galera", uuid=UUID)
    settings = Mark("/containers/mariadb1/run/in-force.cnf", changed=1.0, cluster="galera")
    old = emptied(containers=(container(1, running=False, recorded=False),), records=(), marks=(stop, settings))
    assert problems(old) == [
        "host1: the datadir /containers/mariadb1/datadir of mariadb1 is empty, and mariadb1 had data (by container "
        "mariadb1, which was started before, the file /containers/mariadb1/stopped.json and the file "
        "/containers/mariadb1/run/in-force.cnf). Is its disk mounted? " + REPAIR
    ]


def test_both_mount_points_are_told() -> None:
    root = emptied(datadir=blank(1, exists=False, mountpoint="/"))
    assert problems(root) == [
        EMPTIED.replace("is empty,", "is absent,")
        + "It was on the file system mounted at /containers, and is on that of / today. "
        + REPAIR
    ]


def test_all_datadirs_that_were_emptied_are_refused_with_the_way_to_begin_again() -> None:
    said = problems(*(emptied(n) for n in (1, 2, 3)), verb="start")
    assert said == [
        (
            "No host of galera holds data, and there were some. Mount the disks and run again. If the data are lost "
            "and there are backups, run restore, which works on empty hosts. Only to give all data up and begin a new "
            f"cluster, run site with -e galera_forget_cluster={UUID}"
        ),
        *(EMPTIED.rstrip().replace("host1", f"host{n}").replace("mariadb1", f"mariadb{n}") for n in (1, 2, 3)),
    ]


def test_data_without_a_known_history_are_given_up_as_unknown() -> None:
    said = problems(*(emptied(n, records=(record(n, uuid=""),)) for n in (1, 2, 3)))
    assert said[0].endswith("-e galera_forget_cluster=unknown")
    assert len(said) == 4


def test_a_repair_of_an_emptied_host_is_let_through() -> None:
    assert problems(emptied(), verb="repair_node", repaired="host1") == []
    verdict = judge(cluster(emptied(), verb="repair_node", repaired="host2"))
    assert verdict.problems == ()
    assert len(verdict.warnings) == 1


def test_a_repair_onto_the_root_disk_is_refused() -> None:
    root = emptied(datadir=blank(1, exists=False, mountpoint="/"))
    assert problems(root, verb="repair_node", repaired="host1") == [
        EMPTIED.replace("is empty,", "is absent,")
        + "It was on the file system mounted at /containers, and is on that of / today. Mount it, then run repair_node "
        "again: it does not fill the disk of another mount point."
    ]


def test_a_restore_onto_emptied_hosts_is_let_through_where_their_disks_are_mounted() -> None:
    assert problems(*(emptied(n) for n in (1, 2, 3)), verb="restore") == []
    root = emptied(datadir=blank(1, mountpoint="/"))
    assert len(problems(root, emptied(2), emptied(3), verb="restore")) == 1


def test_a_recovery_that_a_person_forces_goes_on_with_those_that_have_data() -> None:
    verdict = judge(cluster(emptied(), verb="recover", forced=f"host2@{UUID}:5"))
    assert verdict.problems == ()
    assert len(verdict.warnings) == 1
    assert len(problems(*(emptied(n) for n in (1, 2, 3)), verb="recover", forced=f"host2@{UUID}:5")) == 4


def test_data_below_a_mount_that_is_missing_are_refused() -> None:
    hidden = traces(
        datadir=datadir(1, mountpoint="/"), containers=(container(1, running=False),), records=(record(mounted=False),)
    )
    assert problems(host(1, hidden)) == [
        (
            "host1: the datadir /containers/mariadb1/datadir of mariadb1 was on the file system mounted at "
            "/containers, which is not mounted today; what is there now is on that of /. Mount it and run again. If "
            "the data were moved on purpose, remove /var/lib/dbops-galera/mariadb1/node.json."
        )
    ]
    # Docker starts it on whatever is there.
    assert len(problems(host(1, replace(hidden, containers=(container(1),))))) == 1
    assert problems(host(1, replace(hidden, records=(record(mounted=True),)))) == []


def test_ibdata_without_system_tables_is_refused() -> None:
    broken = host(1, traces(datadir=datadir(1, tables=False), containers=(container(1, running=False),)))
    said = (
        "host1: the datadir /containers/mariadb1/datadir of mariadb1 holds ibdata1, and its mysql/ is empty or absent: "
        "these are data without system tables, and nothing is initialised over them. "
    )
    assert problems(broken) == [
        said
        + "Run repair_node with -e repair_node_host=host1, which keeps them under a dated name and fills a new datadir "
        "from the other nodes."
    ]
    assert problems(broken, verb="repair_node", repaired="host1") == []
    assert problems(broken, emptied(2), emptied(3))[0] == (
        said + f"To keep them under a dated name and begin a new cluster, run site with -e galera_forget_cluster={UUID}"
    )
    # Docker starts it again and again, and its start script refuses.
    assert len(problems(host(1, traces(datadir=datadir(1, tables=False))))) == 1
    # A server that is just making them.
    begins = container(1, name="mariadb0", part="bootstrap")
    assert problems(host(1, traces(datadir=datadir(1, tables=False), containers=(begins,)))) == []


# Branches.


SECOND = {
    "generation": 2,
    "uuid": OTHER,
    "forced": f"host1@{UUID}:990",
    "begun": "2026-11-29T01:02:03Z",
    "parent": UUID,
    "members": ["mariadb1", "mariadb2"],
}
GIVEN_UP = (
    f"host3: it holds branch 1 of galera, given up on 2026-11-29T01:02:03Z by recover_force=host1@{UUID}:990, and is "
    "not started. Take it in with repair_node -e repair_node_host=host3, which keeps its datadir. If that recovery "
    "was interrupted, run it again with the same recover_force."
)


def branched(number: int, **changes: Any) -> Host:
    return host(number, traces(number, records=(record(number, branch={**SECOND, **changes}),)))


@pytest.mark.parametrize("verb", ["site", "start", "restart", "upgrade", "add_node", "remove_node", "replace_node"])
def test_a_branch_that_was_given_up_is_not_started(verb: str) -> None:
    down = "not started. " + "While the cluster is down, run recover first, which leaves it alone. " * (verb == "start")
    verdict = judge(cluster(branched(1), branched(2), verb=verb))
    assert verdict.problems == (GIVEN_UP.replace("not started. ", down),)


def test_a_start_beside_a_cluster_that_serves_is_not_sent_to_recover() -> None:
    serves = replace(branched(1), told=replace(branched(1).told, live=Live("g1", ("g1", "g2"))))
    assert judge(cluster(serves, branched(2), verb="start")).problems == (GIVEN_UP,)


@pytest.mark.parametrize("verb", ["recover", "repair_node", "backup", "move_writer"])
def test_verbs_that_leave_it_out_only_tell(verb: str) -> None:
    verdict = judge(cluster(branched(1), branched(2), verb=verb))
    assert (verdict.problems, verdict.warnings) == ((), (GIVEN_UP,))


def test_stop_and_restore_do_not_mind_it() -> None:
    for verb in ("stop", "restore"):
        assert judge(cluster(branched(1), branched(2), verb=verb)).warnings == ()


def test_a_host_without_a_record_holds_the_first_branch_if_it_has_data() -> None:
    bare = host(3, traces(3, records=()))
    assert problems(branched(1), branched(2), bare) == [GIVEN_UP]
    assert problems(branched(1), branched(2), NEW[2]) == []


def test_the_youngest_branch_is_told_with_all_that_its_records_name() -> None:
    newer = host(
        2, traces(2, records=(record(2, branch=SECOND, members=("mariadb1", "mariadb2", "mariadb4", "garbd")),))
    )
    branch = judge(cluster(branched(1), newer)).branch
    assert (branch.generation, branch.group, branch.uuid) == (2, "galera.2", OTHER)
    assert branch.members == ("mariadb1", "mariadb2", "mariadb3", "mariadb4", "garbd")


def test_two_branches_of_one_number_are_refused() -> None:
    twin = {"uuid": UUID, "forced": f"host3@{UUID}:995"}
    said = (
        f"Two forced recoveries of galera each began a branch 2: host1 holds {OTHER} (recover_force=host1@{UUID}:990), "
        f"host2 holds {OTHER} (recover_force=host1@{UUID}:990) and host3 holds {UUID} "
        f"(recover_force=host3@{UUID}:995). Decide which one lives, stop the nodes of both (docker stop), and run "
        "recover with a recover_force that names a host of it: that begins a younger branch, and keeps the datadirs of "
        "the other one under dated names."
    )
    assert problems(branched(1), branched(2), branched(3, **twin)) == [said]
    assert warnings(branched(1), branched(2), branched(3, **twin), verb="recover") == [said]
    assert problems(branched(1), branched(2), branched(3, **twin), verb="repair_node") == [said]
    assert problems(branched(1), branched(2), branched(3, **twin), verb="stop") == []


@pytest.mark.parametrize("verb", ["site", "restart", "stop", "backup", "move_writer", "repair_node", "remove_node"])
def test_a_split_cluster_is_worked_on_by_nobody(verb: str) -> None:
    def seeing(number: int, *view: str) -> Host:
        return host(number, traces(number, live=Live(str(number), view)))

    said = problems(seeing(1, "1", "2"), seeing(2, "1", "2"), seeing(3, "3"), verb=verb)
    assert len(said) == 1
    assert said[0].startswith(
        "host1, host2 and host3 are Primary without seeing each other (host1 and host3, host2 and host3 are not among "
        "each other's members): the cluster is split. Find out which part the application writes to, stop the nodes "
        "of the other part by name (docker stop), and let repair_node take them in"
    )
    # host2 was read before host3 joined; host3 does not answer.
    assert problems(seeing(1, "1", "2", "3"), seeing(2, "1", "2"), seeing(3, "1", "2", "3"), verb=verb) == []
    assert problems(seeing(1, "1", "2"), seeing(2, "1", "2"), host(3, traces(3)), verb=verb) == []


# Versions.


def serving(version: str, provider: str = "26.4.27(r1)") -> list[Host]:
    return [host(n, traces(n, live=Live(str(n), ("1", "2", "3"), version, provider))) for n in (1, 2, 3)]


def test_site_warns_of_a_living_cluster_below_a_floor_and_goes_on() -> None:
    """To refuse would keep it from being mended, and close no hole."""
    verdict = judge(cluster(*serving("10.11.14-MariaDB"), verb="site"))
    assert verdict.problems == ()
    assert verdict.warnings[0].startswith(
        "mariadb1 on host1, mariadb2 on host2 and mariadb3 on host3 run MariaDB 10.11.14, which is below 10.11.18: "
    )
    (warning,) = warnings(*serving("10.11.19-MariaDB", "4.23(rXXXX)"), verb="site")
    assert "run the Galera provider 26.4.23, which is below 26.4.27" in warning
    assert warnings(*serving("10.11.19-MariaDB"), verb="site") == []


@pytest.mark.parametrize("verb", ["upgrade", "restart", "recover", "stop", "add_node"])
def test_other_verbs_do_not_repeat_it(verb: str) -> None:
    assert warnings(*serving("10.11.14-MariaDB"), verb=verb) == []


def test_the_floors_are_those_of_the_cluster() -> None:
    living = replace(cluster(*serving("10.11.14-MariaDB")), floors=Floors(allow="10.11.14"))
    assert judge(living).warnings[0].endswith("mariadb_allow_version=10.11.14 allows new nodes of it.")


# Beginning again.


def test_a_cluster_is_given_up_by_its_uuid() -> None:
    for found in (emptied, stopped):
        verdict = judge(cluster(*(found(n) for n in (1, 2, 3)), forget=(UUID,)))
        assert (verdict.problems, verdict.warnings, verdict.forget) == ((), (), True)


def stopped(number: int = 1, **changes: Any) -> Host:
    return host(number, traces(number, **{"containers": (container(number, running=False),), **changes}))


def test_a_branch_that_is_given_up_is_told_no_more() -> None:
    second = [
        stopped(n, records=(record(n, branch=SECOND, uuid=OTHER),), datadir=datadir(n, uuid=OTHER)) for n in (1, 2, 3)
    ]
    verdict = judge(cluster(*second, forget=(OTHER, UUID)))
    assert (verdict.forget, verdict.branch.group, verdict.branch.uuid) == (
        True,
        "galera",
        "0" * 8 + "-0000-0000-0000-" + "0" * 12,
    )


def test_nothing_is_given_up_while_a_node_runs() -> None:
    verdict = judge(cluster(stopped(1), stopped(3), forget=(UUID,)))
    assert list(verdict.problems) == [
        (
            "galera_forget_cluster gives up all data of galera, and mariadb2 on host2 runs. Stop the cluster first, "
            "with the playbook stop; a node that is in no Primary Component, with docker stop."
        )
    ]
    assert verdict.forget is False


def test_every_history_is_to_be_named() -> None:
    other = stopped(3, datadir=datadir(3, uuid=OTHER), containers=(container(3, running=False, uuid=OTHER),))
    assert problems(stopped(1), stopped(2), other, forget=(UUID,)) == [
        (
            f"host3: it holds traces of {OTHER}, which galera_forget_cluster does not name. To give up everything, "
            f"name it too: -e galera_forget_cluster={OTHER},{UUID}"
        )
    ]
    assert problems(stopped(1), stopped(2), other, forget=(UUID, OTHER)) == []


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"mountpoint": "/containers/mariadb1/datadir"}, "a mount point"),
        ({"target": "/big/mysql"}, "a symbolic link"),
    ],
)
def test_what_cannot_be_renamed_is_not_given_up(changes: dict[str, Any], what: str) -> None:
    fixed = stopped(1, datadir=datadir(1, **changes), records=())
    assert problems(fixed, stopped(2), stopped(3), forget=(UUID,)) == [
        (
            f"host1: the datadir /containers/mariadb1/datadir is {what} and not empty, so it cannot be kept under a "
            "dated name. Copy what it holds elsewhere, empty it, and run again."
        )
    ]


def test_a_uuid_that_no_host_tells_gives_nothing_up() -> None:
    verdict = judge(cluster(forget=(OTHER,)))
    assert (verdict.problems, verdict.forget) == ((), False)
    assert verdict.warnings == (
        f"galera_forget_cluster is {OTHER}, and the hosts of galera tell of {UUID}: it gives nothing up in this run.",
    )
    assert warnings(*NEW, forget=(OTHER,)) == [
        f"galera_forget_cluster is {OTHER}, and no host of galera tells of it: it gives nothing up in this run."
    ]
    assert warnings(verb="restart", forget=(UUID,)) == [
        f"galera_forget_cluster is {UUID}, and only the playbook site reads it: it gives nothing up in this run."
    ]


def test_an_unknown_history_is_given_up_only_where_none_is_told() -> None:
    unknown = [emptied(n, records=(record(n, uuid=""),)) for n in (1, 2, 3)]
    assert judge(cluster(*unknown, forget=("unknown",))).forget is True
    assert judge(cluster(*(emptied(n) for n in (1, 2, 3)), forget=("unknown",))).forget is False
    assert judge(cluster(*NEW, forget=("unknown",))).forget is False


def test_data_on_another_path_are_given_up_where_they_are() -> None:
    moved = [stopped(n, datadir=blank(n, root="/srv", exists=False), run=f"/srv/mariadb{n}/run") for n in (1, 2, 3)]
    assert judge(cluster(*moved, forget=(UUID,))).forget is True


@pytest.mark.parametrize("name", ["prod.7", "prod.1a"])
def test_a_living_cluster_with_a_name_like_a_branch_is_not_another_one(name: str) -> None:
    """Its settings name the group, of which the end looks like a generation."""
    mark = Mark("/containers/mariadb1/run/in-force.cnf", changed=1.0, cluster="prod")
    hosts = [
        host(number, traces(number, containers=(container(number, cluster=name),), records=(), marks=(mark,)))
        for number in (1, 2, 3)
    ]
    verdict = judge(cluster(*hosts, name=name))
    assert verdict.problems == ()
    assert any("ends like the name of a branch" in warning for warning in verdict.warnings)
