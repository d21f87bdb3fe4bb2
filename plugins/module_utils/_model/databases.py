# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Databases whose default character set is latin1, as servers before 11.6 made them: status names them. Pure.

Changing them is the operator's decision: ALTER DATABASE counts for new tables only, and converting a table rewrites it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ansible_collections.dbops.galera.plugins.module_utils._model.settings import setting
from ansible_collections.dbops.galera.plugins.module_utils._model.spelling import SYSTEM_DATABASES
from ansible_collections.dbops.galera.plugins.module_utils._model.words import joined

LATIN1 = "latin1"
# How many names one sentence has.
SHOWN = 10
# A directory in the datadir that is not a database, such as lost+found, has a name that begins so.
_DIRECTORY = "#mysql50#"
_CHOICES = ("character_set_server", "collation_server")


def of_applications(names: Iterable[str]) -> list[str]:
    """Without the server's own databases, sorted."""
    return sorted(name for name in names if name.lower() not in SYSTEM_DATABASES and not name.startswith(_DIRECTORY))


def latin1_warnings(told: Iterable[Sequence[str] | None], configs: Iterable[Any]) -> list[str]:
    """One sentence for the cluster, or none. told has the names that each member reported, None where it did not.

    configs are mariadb_config of the members: where one of them sets latin1, the operator chose it.
    """
    names = of_applications({name for each in told for name in each or ()})
    if not names or any(_chosen(config) for config in configs):
        return []
    shown = names[:SHOWN] + ([f"{len(names) - SHOWN} more"] if len(names) > SHOWN else [])
    sentence = (
        f"Databases with the default character set latin1: {joined(shown)}. New tables in them cannot store every "
        "character. ALTER DATABASE ... CHARACTER SET utf8mb4 changes that for new tables; existing tables keep theirs."
    )
    return [sentence]


def _chosen(config: Any) -> bool:
    return any(str(setting(config, name, "")).lower().startswith(LATIN1) for name in _CHOICES)
