# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""I/O: the settings that a running server has in force, the record of them, and setting others without a restart.

The record is the option file that the server was started with (the start script copies it), and later the one that was
last set. So it says what is in force even when a run ended between writing the settings and setting them. While they
are being set there is none, so that a run that ends there has the next one restart the node.
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.dbops.galera.plugins.module_utils._errors import GaleraError
from ansible_collections.dbops.galera.plugins.module_utils._files import replace
from ansible_collections.dbops.galera.plugins.module_utils._settings import Plan, Variable, differences, plan
from ansible_collections.dbops.galera.plugins.module_utils._wsrep import NotAnswering, connect, told_version

with suppress(ImportError):  # connect() says so
    import pymysql

CATALOGUE = """SELECT LOWER(variable_name), variable_type, variable_scope, read_only
FROM information_schema.system_variables WHERE variable_name IN %s"""
# CR_SERVER_GONE_ERROR, CR_SERVER_LOST
_LOST = (2006, 2013)


@dataclass
class Outcome:
    """What came of it. restart: setting (or the record's path) and why the node has to be restarted for it."""

    running: bool
    plan: Plan = field(default_factory=Plan)
    restart: dict[str, str] = field(default_factory=dict)

    @property
    def changed(self) -> bool:
        return bool(self.plan.changes) and not self.restart

    def reason(self, node: str) -> str:
        """A sentence, empty where there is nothing to tell."""
        if self.restart:
            whys = "; ".join(f"{name} {why}" for name, why in self.restart.items())
            return f"{node} has to be restarted for its settings: {whys}."
        names = ", ".join(name for name, _value in self.plan.assignments)
        return f"{node}: set without a restart: {names}." if names else ""


@dataclass
class InForce:
    """A node's settings. socket and record are paths on this host; timeout of an answer in seconds."""

    node: str
    socket: str
    record: str
    defaults_file: str | None = None
    timeout: float = 60

    def bring(self, settings: str, predict: bool = False) -> Outcome:
        """Have an option file's settings in force, or would (predict), or say why that takes a restart.

        A server that is not up starts with the new file anyway.
        """
        try:
            with connect(self.socket, self.defaults_file, self.timeout) as connection:
                return self._bring(connection, settings, predict)
        except NotAnswering:
            return Outcome(running=False)

    def _bring(self, connection: Any, settings: str, predict: bool) -> Outcome:
        if not os.path.isfile(self.record):
            why = "is missing: the start script did not write it, or a run ended while settings were being set"
            return Outcome(True, restart={self.record: why})
        with open(self.record, encoding="utf-8") as file:
            before = file.read()
        changes = differences(before, settings, told_version(connection.get_server_info()))
        if not changes:
            return Outcome(True)
        with connection.cursor() as cursor:
            cursor.execute(CATALOGUE, ([change.name for change in changes],))
            rows = [Variable(name, kind, scope, frozen == "YES") for name, kind, scope, frozen in cursor.fetchall()]
        wanted = plan(changes, {row.name: row for row in rows})
        outcome = Outcome(True, wanted, dict(wanted.restart))
        if outcome.changed and not predict:
            before_setting = f"{self.record}.before"
            os.replace(self.record, before_setting)
            outcome.restart = self._set(connection, wanted)
            if outcome.restart:
                os.replace(before_setting, self.record)
            else:
                replace(self.record, settings, like=before_setting)
                os.remove(before_setting)
        return outcome

    def _set(self, connection: Any, wanted: Plan) -> dict[str, str]:
        """Set all at once; what the server refuses or adjusts takes a restart, which is what the settings are for."""
        if not wanted.assignments:
            return {}
        names = ", ".join(name for name, _value in wanted.assignments)
        try:
            with connection.cursor() as cursor:
                cursor.execute(*wanted.statement())
                cursor.execute("SHOW WARNINGS")
                told = [str(text).rstrip(".") for _level, _code, text in cursor.fetchall()]
        except pymysql.Error as error:
            if error.args[0] in _LOST:
                raise GaleraError(
                    f"{self.node}: the connection was lost while setting {names} ({error.args[-1]}). "
                    "See whether the server runs, and run again."
                ) from error
            told = [str(error.args[-1]).rstrip(".")]
        return {names: f"was not set as it stands ({'; '.join(told)})"} if told else {}
