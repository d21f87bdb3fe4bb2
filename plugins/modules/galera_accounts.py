#!/usr/bin/python
# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: galera_accounts
short_description: Name accounts that the inventory no longer has
version_added: 0.1.0
description:
  - Compares the accounts of the server with those that are wanted, and warns of those that can log in and are left
    from before - accounts that an earlier call wrote down, and other accounts of a wanted user.
  - Nothing is dropped. An application may use such an account still.
  - Writes down which accounts are wanted, so that the next call knows them when they are not any more.
author:
  - dbops.galera contributors (@dbops)
extends_documentation_fragment:
  - dbops.galera.node
options:
  accounts:
    description: The wanted accounts as C(USER@HOST), with the host in MariaDB's notation.
    type: list
    elements: str
    required: true
  record:
    description: Directory on this host in which the node's record is kept.
    type: path
    required: true
attributes:
  check_mode:
    support: full
    description: Writes nothing down.
  diff_mode:
    support: none
    description: There is nothing to show a difference of.
seealso:
  - name: Account names
    description: What a host part may be.
    link: https://mariadb.com/kb/en/create-user/#account-names
"""

EXAMPLES = r"""
- name: Warn of accounts that are left from before
  dbops.galera.galera_accounts:
    node: mariadb1
    socket: /containers/mariadb1/run/mysqld.sock
    record: /var/lib/dbops-galera/mariadb1
    accounts: [admin@10.0.0.%, monitor@10.0.0.%, application@10.0.0.%]
"""

RETURN = r"""
left:
  description: Accounts that can log in and are not wanted.
  returned: success
  type: list
  elements: dict
  contains:
    account:
      description: The account as C(USER@HOST).
      type: str
    made:
      description: Whether an earlier call wrote it down as wanted. Otherwise it only has the name of a wanted user.
      type: bool
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.dbops.galera.plugins.module_utils._errors import GaleraError
from ansible_collections.dbops.galera.plugins.module_utils._model.accounts import Account, left, recorded
from ansible_collections.dbops.galera.plugins.module_utils._record import Record
from ansible_collections.dbops.galera.plugins.module_utils._wsrep import connect

FILE = "accounts.json"
# Roles have no host part; a locked account lets nobody in.
QUERY = """
SELECT User, Host, COALESCE(JSON_VALUE(Priv, '$.account_locked'), 0) = 0
FROM mysql.global_priv WHERE COALESCE(JSON_VALUE(Priv, '$.is_role'), 0) = 0
"""


def compare(params: dict[str, Any], predict: bool) -> dict[str, Any]:
    """What main returns. Raises GaleraError where the server does not answer, or the record cannot be read."""
    wanted = [Account.parse(text) for text in params["accounts"]]
    record = Record(params["record"])
    made = [Account.parse(text) for text in record.accounts()]
    with connect(params["socket"], params["defaults_file"]) as connection, connection.cursor() as cursor:
        cursor.execute(QUERY)
        rows = cursor.fetchall()
    existing = {Account(str(user), str(host)): bool(active) for user, host, active in rows}
    found = list(left([account for account, active in existing.items() if active], wanted, made))
    keep = recorded(existing, wanted, made)
    changed = keep != made
    if changed and not predict:
        record.write_json(FILE, {"accounts": [str(account) for account in keep]})
    return {
        "changed": changed,
        "warnings": [str(each) for each in found],
        "left": [{"account": str(each.account), "made": each.made} for each in found],
    }


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "node": {"type": "str", "required": True},
            "socket": {"type": "path", "required": True},
            "defaults_file": {"type": "path"},
            "accounts": {"type": "list", "elements": "str", "required": True},
            "record": {"type": "path", "required": True},
        },
        supports_check_mode=True,
    )
    try:
        result = compare(module.params, predict=module.check_mode)
    except GaleraError as error:
        module.fail_json(msg=str(error))
    for sentence in result.pop("warnings"):
        module.warn(sentence)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
