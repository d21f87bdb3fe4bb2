#!/bin/bash
# Run by ProxySQL's scheduler where proxysql_galera_monitor is `scheduler`: asks every node how it is, has the heaviest node that is
# Synced get the writes and every Synced node the reads. Where no node is, it leaves all as it is.
# Usage: galera-checker.sh WRITER_HOSTGROUP READER_HOSTGROUP OPTION_FILE
# The option file has the login of the admin interface in [client] and that of the nodes in [client_node].
set -euo pipefail
writer=$1 reader=$2 options=$3

# A run may last longer than the interval.
exec 9<"${BASH_SOURCE[0]}"
flock --nonblock 9 || exit 0

admin() { timeout 5 mysql --defaults-file="$options" -BN -e "$1"; }

QUESTION="SET SESSION wsrep_sync_wait = 0;
  SELECT COUNT(*) = 2 AND @@read_only = 0 AND @@wsrep_desync = 0 AND @@wsrep_reject_queries = 'NONE'
  FROM information_schema.GLOBAL_STATUS
  WHERE (VARIABLE_NAME, VARIABLE_VALUE) IN (('WSREP_LOCAL_STATE', '4'), ('WSREP_CLUSTER_STATUS', 'Primary'))"

# ask HOST PORT: prints the node as a row of SQL if it is well. A node that does not answer in time is asked three times.
ask() {
  local answer code
  for _ in 1 2 3; do
    code=0
    answer=$(timeout 1.5 mysql --defaults-file="$options" --defaults-group-suffix=_node -h "$1" -P "$2" -BN -e "$QUESTION" 2>/dev/null) || code=$?
    ((code == 124)) || break
  done
  [[ $answer != 1 ]] || echo "('$1', $2)"
}

well=$(
  admin "SELECT DISTINCT hostname, port FROM mysql_servers WHERE hostgroup_id IN ($writer, $reader)" |
    { while read -r host port; do ask "$host" "$port" & done; wait; } | sort | paste -sd ,
)
if [[ -z $well ]]; then
  echo "galera-checker: no node is Synced in a Primary Component; the servers stay as they are" >&2
  exit 0
fi

# The native monitor may have been given these hostgroups meanwhile: then nothing is changed any more.
mine="NOT EXISTS (SELECT 1 FROM mysql_galera_hostgroups WHERE writer_hostgroup = $writer)"
is_well="(hostname, port) IN (VALUES $well)"
heaviest="SELECT hostname, port FROM mysql_servers WHERE hostgroup_id = $writer AND $is_well ORDER BY weight DESC, hostname LIMIT 1"
admin "UPDATE mysql_servers SET status = CASE WHEN (hostname, port) = ($heaviest) THEN 'ONLINE' ELSE 'OFFLINE_SOFT' END
         WHERE hostgroup_id = $writer AND $mine;
       UPDATE mysql_servers SET status = CASE WHEN $is_well THEN 'ONLINE' ELSE 'OFFLINE_SOFT' END WHERE hostgroup_id = $reader AND $mine"

# SHUNNED is ProxySQL's own: ONLINE, with a rest after errors.
differing=$(admin "SELECT COUNT(*) FROM mysql_servers m LEFT JOIN runtime_mysql_servers r
  ON r.hostgroup_id = m.hostgroup_id AND r.hostname = m.hostname AND r.port = m.port
  WHERE m.hostgroup_id IN ($writer, $reader) AND COALESCE(REPLACE(r.status, 'SHUNNED', 'ONLINE'), '') <> m.status AND $mine")
if ((differing > 0)); then
  admin "LOAD MYSQL SERVERS TO RUNTIME; SAVE MYSQL SERVERS TO DISK"
  echo "galera-checker: Synced: $well; the writer is $(admin "$heaviest" | paste -sd ' ')" >&2
fi
