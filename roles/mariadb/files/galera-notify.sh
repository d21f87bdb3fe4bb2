#!/bin/bash
# The server runs this at each change of its view (wsrep_notify_cmd). A mark says that the node is in no Primary Component, and stays when
# the node ends like that: its last view on disk is not the cluster's last then. See docs/decisions/0008-failure-detection.md.
set -euo pipefail

mark=/run/mysqld/non-primary
while (($# > 1)); do
  if [[ $1 == --primary ]]; then
    if [[ $2 == yes ]]; then
      rm -f "$mark"
    else
      touch "$mark"
      sync "$mark" /run/mysqld
    fi
  fi
  shift 2
done
