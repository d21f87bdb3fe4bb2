#!/bin/bash
# The server runs this at each change of its view (wsrep_notify_cmd). A mark says that the node is in no Primary Component, and stays when
# the node ends like that: its last view on disk is not the cluster's last then. The first Primary Component also ends what galera-start
# keeps for a joiner. See docs/decisions/0008-failure-detection.md.
set -euo pipefail

non_primary=/run/mysqld/non-primary
while (($# > 1)); do
  if [[ $1 == --primary ]]; then
    if [[ $2 == yes ]]; then
      rm -f "$non_primary" /run/mysqld/joining /run/mysqld/gvwstate.dat
    else
      touch "$non_primary"
      sync "$non_primary" /run/mysqld
    fi
  fi
  shift 2
done
