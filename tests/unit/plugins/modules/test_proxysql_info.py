# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import yaml
from ansible_collections.dbops.galera.plugins.module_utils._proxysql_tables import TABLES
from ansible_collections.dbops.galera.plugins.modules import proxysql_admin, proxysql_info


def test_both_modules_know_every_table() -> None:
    admin = yaml.safe_load(proxysql_admin.DOCUMENTATION)["options"]
    info = yaml.safe_load(proxysql_info.DOCUMENTATION)["options"]

    assert admin["merge"]["choices"] == info["tables"]["choices"] == list(TABLES)
    assert [option for option in admin if option in TABLES] == list(TABLES)
