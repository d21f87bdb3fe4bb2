#!/usr/bin/python
# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: galera_seqno
short_description: Read a node's position
version_added: 0.1.0
description:
  - Tells the state of one node of a Galera cluster and its position (UUID and seqno), and where that was read.
  - A running server is asked over SQL. Of a stopped one C(grastate.dat) is read. Where that holds no seqno, because the
    server was killed, C(mariadbd --wsrep-recover) reads the position from InnoDB, in a throw-away container of the
    node's image and without a network.
  - Changes nothing in the database, also in check mode. InnoDB does its usual crash recovery while the position is
    recovered, as it would at the node's next start.
  - Fails when another container than the node's runs on the datadir.
author:
  - dbops.galera contributors (@dbops)
extends_documentation_fragment:
  - dbops.galera.node
options:
  bootstrap_container:
    description: Name of the container that bootstraps the cluster from this node's datadir.
    type: str
    default: mariadb0
  datadir:
    description: The node's datadir, an absolute directory of this host or the name of a Docker volume.
    type: str
    required: true
  image:
    description: The node's image. It is present on this host already; it is not pulled.
    type: str
    required: true
  config_dir:
    description:
      - Directory of this host with the node's settings, for a recovery with the same InnoDB settings.
      - It is mounted read-only at C(/etc/mysql/mariadb.conf.d).
    type: path
  record:
    description:
      - Directory of this host with the node's record (its members, its branch, and the mark that it had data), which is
        not on the disk of its data. Without it nothing is known of them.
    type: path
    version_added: 0.1.0
  recover:
    description:
      - Whether the position of a killed node is recovered. With V(false) it stays unknown, which is quick and starts no
        container, as a look at the state wants it.
    type: bool
    default: true
  tolerant:
    description:
      - Whether the report tells of a container of another name that runs on the datadir (the state is V(elsewhere)).
      - Otherwise that is an error. Only who changes nothing, or judges the reports of all nodes, is to be tolerant.
    type: bool
    default: false
    version_added: 0.1.0
  databases:
    description:
      - Whether a server that answers is also asked for databases with the character set latin1. No decision depends on
        them; it is for a look at the state.
    type: bool
    default: false
    version_added: 0.1.0
  timeout:
    description: Time that a recovery may take, in seconds. A large redo log takes minutes.
    type: int
    default: 60
attributes:
  check_mode:
    support: full
    description: Does the same in check mode, since it changes nothing.
  diff_mode:
    support: none
    description: There is nothing to show a difference of.
seealso:
  - module: dbops.galera.galera_bootstrap
  - name: Galera Cluster recovery
    description: What C(--wsrep-recover) does.
    link: https://mariadb.com/kb/en/galera-cluster-recovery/
"""

EXAMPLES = r"""
- name: Read the node's position
  dbops.galera.galera_seqno:
    node: mariadb1
    datadir: /containers/mariadb1/datadir
    socket: /containers/mariadb1/run/mysqld.sock
    image: mariadb:10.11
    config_dir: /containers/mariadb1/conf.d
  register: seqno

- name: Show it
  ansible.builtin.debug:
    msg: "{{ seqno.report.state }} at {{ seqno.report.uuid }}:{{ seqno.report.seqno }}"
"""

RETURN = r"""
report:
  description: What is known of the node. What is not known is null, a UUID of zeros or a seqno of -1.
  returned: success
  type: dict
  contains:
    node:
      description: Name of the node.
      type: str
    state:
      description:
        - V(running), its server or bootstrap container runs; V(stopped), it was stopped cleanly; V(crashed), it was
          killed, or its last SST did not end; V(empty), its datadir holds no database; V(missing), there is no datadir;
          V(elsewhere), its container has its data on another path than O(datadir).
      type: str
    uuid:
      description: UUID of the cluster that its data belong to.
      type: str
      sample: 6f8c1a62-8f0b-11ee-9d3a-7a1c9a4e0f11
    seqno:
      description: Its last write set.
      type: int
      sample: 104758
    source:
      description: Where the position was read, V(live), V(grastate), V(recovered) or V(none).
      type: str
    safe_to_bootstrap:
      description: What C(grastate.dat) says of a node that does not run.
      type: bool
    sst_in_progress:
      description: Whether its last SST was interrupted, so that it holds the half of another node's data.
      type: bool
    cluster_status:
      description: V(Primary), V(non-Primary) or V(Disconnected), of a running server that answers.
      type: str
    local_state:
      description: C(wsrep_local_state_comment), for example V(Synced).
      type: str
    cluster_size:
      description: Number of nodes that it sees.
      type: int
    ready:
      description: Whether it takes queries.
      type: bool
    recv_queue:
      description: Number of write sets that wait to be applied.
      type: int
    cached_downto:
      description: The oldest write set that a running node can give to another by IST, null where it has none.
      type: int
    view:
      description:
        - Content of C(gvwstate.dat), which a killed node leaves (C(my_uuid), C(view_id), C(bootstrap), C(members)).
      type: dict
    gcomm_uuid:
      description: UUID of a running node in its group.
      type: str
    view_members:
      description: UUIDs in the group of the nodes that a running node sees, itself among them.
      type: list
      elements: str
    marks:
      description:
        - V(joining) and V(non-primary), which a server that runs leaves beside its socket while it is in no Primary
          Component, also when it does not answer.
      type: list
      elements: str
    emptied:
      description: Whether its datadir holds nothing although the node had data. The disk may not be mounted.
      type: bool
    disowned:
      description:
        - Whether C(grastate.dat) disowns the data that are there (a UUID of zeros), so that they differ from the other
          nodes'.
      type: bool
    had_data:
      description: Whether the record says that the node had data.
      type: bool
    members:
      description: Names of the nodes and arbitrators of its last Primary Components, by the record.
      type: list
      elements: str
    generation:
      description: Which branch of the cluster its data are of, by the record; V(1) for the first.
      type: int
    decision:
      description: The override of the forced recovery that began the branch, by the record.
      type: str
    begun:
      description: When the branch began, by the record.
      type: str
    ended:
      description: Whether a run has come to its end since the branch began, by the record.
      type: bool
    branch_uuid:
      description: UUID of the branch, by the record.
      type: str
    parent:
      description: UUID of the history that the branch came from, by the record.
      type: str
    views:
      description:
        - The last 200 Primary Components that the node was in with all its data, the newest last, by the record. Each
          is a short hash of the UUIDs of the cluster and of the members in the group, the same on all members.
      type: list
      elements: str
    recorded_uuid:
      description: UUID of its last Primary Component, by the record.
      type: str
    fenced:
      description: Why its start script does not start it, by the record.
      type: str
    container:
      description: Name of the container that runs.
      type: str
    bootstrap:
      description: Whether that is the bootstrap container.
      type: bool
    cluster:
      description: Name of the cluster that the node's container was made for, null where there is no container.
      type: str
    image:
      description: Name of the image that the node's container was made of, null where there is no container.
      type: str
    image_current:
      description: Whether that is what O(image) means on this host.
      type: bool
    image_id:
      description: Id of the node's image where its name means another one on this host by now; empty where it does not.
      type: str
    version:
      description: Version of a running server.
      type: str
      sample: 10.11.19-MariaDB
    provider_version:
      description: Version of its Galera provider.
      type: str
    latin1_databases:
      description:
        - Databases whose default character set is latin1, without the server's own; null where O(databases) is
          V(false), or the server did not tell.
      type: list
      elements: str
      sample: [application, shop]
    allowlist:
      description:
        - Addresses that may connect to a running node's replication and IST ports, by its table; all may where it is
          empty. Null where it did not tell, and of a server before 10.10.
      type: list
      elements: str
      sample: [10.0.0.1, 10.0.0.2, 10.0.0.3]
    error:
      description: A sentence on what could not be read.
      type: str
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.dbops.galera.plugins.module_utils._containers import Engine
from ansible_collections.dbops.galera.plugins.module_utils._errors import GaleraError
from ansible_collections.dbops.galera.plugins.module_utils._node import Node


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "node": {"type": "str", "required": True},
            "bootstrap_container": {"type": "str", "default": "mariadb0"},
            "datadir": {"type": "str", "required": True},
            "socket": {"type": "path", "required": True},
            "defaults_file": {"type": "path"},
            "image": {"type": "str", "required": True},
            "config_dir": {"type": "path"},
            "record": {"type": "path"},
            "recover": {"type": "bool", "default": True},
            "tolerant": {"type": "bool", "default": False},
            "databases": {"type": "bool", "default": False},
            "timeout": {"type": "int", "default": 60},
        },
        supports_check_mode=True,
    )
    params = module.params
    try:
        node = Node(
            Engine.connect(),
            params["node"],
            params["bootstrap_container"],
            params["datadir"],
            params["socket"],
            params["defaults_file"],
            record=params["record"],
        )
        report = node.report(
            params["image"],
            params["config_dir"],
            params["timeout"],
            params["recover"],
            params["tolerant"],
            params["databases"],
        )
    except GaleraError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, report=report)


if __name__ == "__main__":
    main()
