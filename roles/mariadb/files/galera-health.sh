#!/bin/bash
# Docker's health check of a node: Synced, as the image's own check has it. And the end of a server that would never be it again.
set -euo pipefail

code=0
healthcheck.sh --su-mysql --galera_online || code=$?
((code != 0)) || exit 0

# "Receiving IST failed, node restart required", says Galera then, closes the connection to the group, and leaves the rest to others. Docker
# starts the node again. One that left because its data are inconsistent is left alone: that is for repair_node, which keeps the datadir.
status=$(mariadb -BN --connect-timeout=3 -e "SHOW STATUS LIKE 'wsrep%'") || exit "$code"
closed=no
if [[ $status == *$'wsrep_local_state_comment\tJoin'* && $status != *$'wsrep_evs_state\t'* ]]; then
  closed=yes
elif [[ $status == *$'wsrep_local_state_comment\tInitialized'* && $status == *$'wsrep_cluster_status\tDisconnected'* ]]; then
  closed=yes
fi
if [[ $closed == yes ]]; then
  # To be read in `docker inspect`, under State.Health.
  echo "galera-health: a joiner that has closed its connection to the group does not come back by itself, ending it"
  kill -TERM 1
fi
exit "$code"
