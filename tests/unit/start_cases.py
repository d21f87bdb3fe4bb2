"""Cases of the decision that a node takes before its server runs: what it knows, and what it does.

They run through plugins/module_utils/_model/start.py and through roles/mariadb/files/galera-start.sh.
"""

from __future__ import annotations

from typing import Any

SAME, OLDER, OTHER, SILENT, UNREADABLE = "same", "older", "other", "silent", "unreadable"

# name: facts, action, a part of the reason, whether the node is fenced from now on
CASES: dict[str, tuple[dict[str, Any], str, str, bool]] = {
    # A cluster is made.
    "bootstrap of a new cluster": (
        {"bootstrap": True, "datadir": "emptied", "answers": (SILENT,) * 2},
        "start",
        "",
        False,
    ),
    "bootstrap after an attempt to join": (
        {"bootstrap": True, "datadir": "blank", "answers": (SILENT,)},
        "start",
        "",
        False,
    ),
    "a new node joins": ({"datadir": "emptied", "answers": (SAME, SILENT)}, "start", "", False),
    "a new node tries again": ({"datadir": "blank", "answers": (SAME, SAME)}, "start", "", False),
    "a new node alone": ({"datadir": "emptied", "answers": ()}, "start", "", False),
    # Daily life.
    "back after a clean stop": ({"had_data": True, "members": 3, "answers": (SAME, SAME)}, "start", "", False),
    "the first of a clean stop of all": (
        {"had_data": True, "members": 3, "answers": (SILENT,) * 2},
        "start",
        "",
        False,
    ),
    "killed": ({"had_data": True, "view": 3, "members": 3, "answers": (SAME, SAME)}, "start", "", False),
    "all killed": ({"had_data": True, "view": 3, "members": 3, "answers": (SILENT,) * 2}, "start", "", False),
    "all killed without a record": ({"view": 3, "answers": (SILENT,) * 2}, "start", "", False),
    "killed while it joined": (
        {"datadir": "half", "view": 3, "members": 3, "answers": (SAME, SAME)},
        "start",
        "",
        False,
    ),
    "bootstrap in an order": (
        {"bootstrap": True, "had_data": True, "members": 3, "answers": (SILENT,) * 2},
        "start",
        "",
        False,
    ),
    "bootstrap with a view": (
        {"bootstrap": True, "had_data": True, "view": 1, "members": 3, "answers": (SILENT,) * 2},
        "start",
        "",
        False,
    ),
    "two of three killed": ({"view": 2, "members": 3, "answers": (SILENT, SILENT)}, "start", "", False),
    "an arbitrator counts": ({"view": 2, "members": 3, "answers": (SILENT,)}, "start", "", False),
    # A view of half or less is taken up only where everybody was heard.
    "the last one, killed, comes back alone": (
        {"had_data": True, "view": 1, "members": 3, "answers": (SILENT, SILENT)},
        "start_without_view",
        "The last view has 1 of 3 members",
        False,
    ),
    "the last one, and one of the others": (
        {"view": 1, "members": 3, "answers": (SAME, SILENT)},
        "start_without_view",
        "the other members do not all answer",
        False,
    ),
    "the last one, and all others": ({"view": 1, "members": 3, "answers": (SAME, SAME)}, "start", "", False),
    "half of four": ({"view": 2, "members": 4, "answers": (SILENT,) * 3}, "start_without_view", "2 of 4", False),
    "half of two": ({"view": 1, "members": 2, "answers": (SILENT,)}, "start_without_view", "1 of 2", False),
    "half of two, without a record": ({"view": 1, "answers": (SILENT,)}, "start_without_view", "1 of 2", False),
    "a node beside its arbitrator, and both others": (
        {"view": 1, "members": 3, "answers": (SAME,)},
        "start",
        "",
        False,
    ),
    "hosts left out of the settings are not asked": (
        {"view": 1, "members": 5, "answers": (SAME,)},
        "start_without_view",
        "1 of 5",
        False,
    ),
    "an older one is not of this branch": (
        {"view": 1, "members": 3, "answers": (SAME, OLDER)},
        "start_without_view",
        "1 of 3",
        False,
    ),
    "what cannot be read has not been heard": (
        {"view": 1, "members": 3, "answers": (SAME, UNREADABLE)},
        "start_without_view",
        "1 of 3",
        False,
    ),
    "half a datadir and a minority": (
        {"datadir": "half", "view": 1, "members": 3, "answers": (SILENT,) * 2},
        "start_without_view",
        "1 of 3",
        False,
    ),
    "a joiner's view and no data": (
        {"datadir": "blank", "view": 3, "members": 3, "answers": (SAME,) * 2},
        "start",
        "",
        False,
    ),
    # A branch of one.
    "alone, stopped": (
        {"had_data": True, "members": 1, "answers": (SILENT, SILENT)},
        "start_alone",
        "only member",
        False,
    ),
    "alone, killed": ({"had_data": True, "view": 1, "members": 1, "answers": (SILENT, SILENT)}, "start", "", False),
    "alone, no other address": ({"answers": ()}, "start_alone", "only member", False),
    "alone beside the branch it came from": (
        {"members": 1, "answers": (OLDER, SILENT)},
        "start_alone",
        "only member",
        False,
    ),
    "alone, and somebody joined": ({"members": 1, "answers": (SAME, SILENT)}, "start", "", False),
    "alone, bootstrapped": ({"bootstrap": True, "members": 1, "answers": (SILENT,)}, "start", "", False),
    "alone, without data": ({"datadir": "blank", "members": 1, "answers": (SILENT,)}, "start", "", False),
    "alone, half a datadir": ({"datadir": "half", "members": 1, "answers": (SILENT,)}, "start", "", False),
    "alone, killed in DDL": (
        {"undefined": True, "view": 1, "members": 1, "answers": (SILENT,)},
        "start_alone",
        "only member",
        False,
    ),
    # grastate.dat of zeros beside data.
    "killed in DDL": (
        {"undefined": True, "view": 3, "members": 3, "answers": (SAME, SAME)},
        "start_without_view",
        "killed while it executed DDL",
        False,
    ),
    "all killed in DDL": (
        {"undefined": True, "view": 3, "members": 3, "answers": (SILENT, SILENT)},
        "start_without_view",
        "run recover",
        False,
    ),
    "ended before its state came": ({"undefined": True, "members": 3, "answers": (SAME, SAME)}, "start", "", False),
    "voted out": ({"disowned": True, "members": 3, "answers": (SAME, SAME)}, "refuse", "voted this node out", False),
    "voted out, nobody there": (
        {"disowned": True, "members": 3, "answers": (SILENT,) * 2},
        "refuse",
        "repair_node",
        False,
    ),
    "voted out, bootstrap": (
        {"bootstrap": True, "disowned": True, "members": 3, "answers": ()},
        "refuse",
        "voted",
        False,
    ),
    # A disk that is not there, or not all of it.
    "emptied": ({"datadir": "emptied", "had_data": True, "answers": (SAME, SAME)}, "refuse", "is mounted", False),
    "emptied, bootstrap": (
        {"bootstrap": True, "datadir": "emptied", "had_data": True, "answers": (SILENT,)},
        "refuse",
        "is mounted",
        False,
    ),
    "a transfer that was begun": ({"datadir": "blank", "had_data": True, "answers": (SAME, SAME)}, "start", "", False),
    "InnoDB without system tables": ({"datadir": "ibdata_only", "answers": (SAME, SAME)}, "refuse", "mysql/", False),
    "InnoDB without system tables, bootstrap": (
        {"bootstrap": True, "datadir": "ibdata_only", "answers": (SILENT,)},
        "refuse",
        "mysql/",
        False,
    ),
    "bootstrap of half a datadir": (
        {"bootstrap": True, "datadir": "half", "answers": (SILENT,)},
        "refuse",
        "cannot bootstrap",
        False,
    ),
    # Another branch lives.
    "given up, stopped": ({"members": 3, "answers": (OTHER, SILENT)}, "refuse", "another branch", True),
    "given up, killed": ({"view": 3, "members": 3, "answers": (SILENT, OTHER)}, "refuse", "is fenced", True),
    "given up, the last one": ({"view": 1, "members": 3, "answers": (OTHER, OTHER)}, "refuse", "another branch", True),
    "given up, bootstrap": ({"bootstrap": True, "members": 3, "answers": (OTHER, SILENT)}, "refuse", "fenced", True),
    "given up, alone": ({"members": 1, "answers": (OTHER, SAME)}, "refuse", "fenced", True),
    "one of another group among its own": (
        {"view": 3, "members": 3, "answers": (SAME, OTHER)},
        "refuse",
        "group",
        True,
    ),
    "a new node among strangers": ({"datadir": "emptied", "answers": (OTHER, OTHER)}, "refuse", "group", True),
    "fenced": ({"fenced": True, "view": 3, "members": 3, "answers": (SAME, SAME)}, "refuse", "found alive", False),
    "fenced, bootstrap": ({"bootstrap": True, "fenced": True, "answers": (SILENT,)}, "refuse", "found alive", False),
    "fenced, and its disk away": (
        {"fenced": True, "datadir": "emptied", "had_data": True, "answers": (OTHER,)},
        "refuse",
        "fenced",
        False,
    ),
    "settings of another branch": (
        {"misfit": True, "had_data": True, "view": 3, "members": 3, "answers": (SAME, SAME)},
        "refuse",
        "recover again",
        False,
    ),
    "settings of another branch, bootstrap": (
        {"bootstrap": True, "misfit": True, "members": 3, "answers": (OTHER,)},
        "refuse",
        "recover again",
        False,
    ),
    "the living do not mind those given up": ({"view": 2, "members": 2, "answers": (SAME, OLDER)}, "start", "", False),
}
