#!/bin/bash
# Starts a node from its recovered position, in front of the image's own entrypoint.
#
# A node that was killed has seqno -1 in grastate.dat. Started plainly it asks for a full SST, and bootstrapped plainly it
# begins a new cluster; started with its position it needs an IST only. See docs/decisions/0002-recovered-position.md.
set -euo pipefail

datadir=/var/lib/mysql
say() { echo "galera-start: $*" >&2; }

bootstrap=no
for argument in "$@"; do
  [[ $argument == --wsrep_cluster_address=gcomm:// ]] && bootstrap=yes
done

empty() { [[ -z $(ls -A "$1" 2>/dev/null) ]]; }

if empty "$datadir/mysql"; then
  if [[ $bootstrap == yes ]]; then
    # Left by an earlier attempt to join; the entrypoint initialises only where it is absent.
    [[ ! -d $datadir/mysql ]] || rmdir "$datadir/mysql"
    # Accounts of the node itself log in through the socket as an operating system's user, so they have no password.
    # root: whoever is root on the host or in the container. mysql: the donor's backup and the health check.
    cat >/docker-entrypoint-initdb.d/accounts.sql <<'SQL'
CREATE USER IF NOT EXISTS mysql@localhost IDENTIFIED VIA unix_socket;
GRANT RELOAD, PROCESS, LOCK TABLES, BINLOG MONITOR ON *.* TO mysql@localhost;
ALTER USER root@localhost IDENTIFIED VIA unix_socket;
SQL
  else
    # The image would initialise a database that the SST then throws away. An empty directory keeps it from that.
    mkdir -p "$datadir/mysql"
    chown mysql:mysql "$datadir" "$datadir/mysql"
    unset MARIADB_AUTO_UPGRADE
    say "empty datadir, joining by SST"
  fi
fi

# Half a datadir is no database to be upgraded.
[[ ! -e $datadir/sst_in_progress ]] || unset MARIADB_AUTO_UPGRADE

seqno=$(sed -n 's/^seqno:[[:space:]]*//p' "$datadir/grastate.dat" 2>/dev/null || true)
if [[ -f $datadir/ibdata1 && ${seqno:--1} == -1 && ! -e $datadir/sst_in_progress ]]; then
  say "grastate.dat holds no position, reading it from InnoDB"
  find "$datadir" ! -user mysql -exec chown mysql:mysql {} +
  # In the background, so that SIGTERM reaches this script: as the container's first process it would be deaf to it otherwise.
  output=$(mktemp)
  "$@" --user=mysql --wsrep-recover --wsrep_cluster_address=gcomm:// --log-error=/dev/stderr >"$output" 2>&1 &
  recovery=$!
  trap 'kill "$recovery"; wait "$recovery" || true; exit 143' TERM INT
  code=0
  wait "$recovery" || code=$?
  trap - TERM INT
  log=$(<"$output")
  rm "$output"
  if ((code != 0)); then
    echo "$log" >&2
    say "the position could not be recovered, so this node does not start; its log stands above"
    exit 1
  fi
  position=$(sed -n 's/.*WSREP: Recovered position: *//p' <<<"$log" | tail -n 1)
  if [[ -z $position ]]; then
    echo "$log" >&2
    say "mariadbd --wsrep-recover told no position, so this node does not start"
    exit 1
  fi
  if [[ $position != 00000000-* ]]; then
    say "recovered position $position"
    set -- "$@" "--wsrep_start_position=$position"
  fi
fi

if [[ ${GALERA_NODE_ADDRESS:-} == hostname ]]; then
  address=$(getent hosts "$(hostname)" | awk '{ print $1; exit }')
  set -- "$@" "--wsrep_node_address=$address"
fi

exec docker-entrypoint.sh "$@"
