#!/bin/bash
# Starts a node from its recovered position, in front of the image's own entrypoint.
#
# A node that was killed has seqno -1 in grastate.dat. Started plainly it asks for a full SST, and bootstrapped plainly it
# begins a new cluster; started with its position it needs an IST only. See docs/decisions/0002-recovered-position.md.
set -euo pipefail

datadir=/var/lib/mysql
# Left by galera-notify: the node is in no Primary Component; the node has not been in one since it started.
non_primary=/run/mysqld/non-primary joining=/run/mysqld/joining
# A copy of the last view, as long as the node is joining.
kept_view=/run/mysqld/gvwstate.dat
begun=$EPOCHREALTIME
say() { echo "galera-start: $*" >&2; }

# Runs a command in the background, so that SIGTERM reaches this script: as the container's first process it is deaf to it otherwise.
attend() {
  local code=0
  trap 'kill "${child:-}"; wait; exit 143' TERM INT
  "$@" &
  child=$!
  wait "$child" || code=$?
  trap - TERM INT
  return "$code"
}

# setting NAME: of the server, a name with underscores.
setting() { my_print_defaults --mysqld | sed -n "s/^--${1//_/[-_]}=//p" | tail -n 1; }

# provider_seconds OPTION DEFAULT: an option of the provider as the settings have it, PT1M30.5S as 90.5.
provider_seconds() {
  setting wsrep_provider_options |
    awk -v RS=';' -v option="$1" -v value="$2" '
      { gsub(/[[:space:]]/, "") }
      index($0, option "=") == 1 { value = substr($0, length(option) + 2) }
      END {
        unit["H"] = 3600; unit["M"] = 60; unit["S"] = 1
        while (match(value, /[0-9.]+[HMS]/)) {
          sum += substr(value, RSTART, RLENGTH - 1) * unit[substr(value, RSTART + RLENGTH - 1, 1)]
          value = substr(value, RSTART + RLENGTH)
        }
        print sum + 0
      }'
}

# Waits until the cluster's other addresses take connections, for a minute at most.
others_answer() {
  local end=$((SECONDS + 60)) own name port address
  own=" $(hostname -I) "
  while IFS=: read -r name port; do
    address=$(getent ahostsv4 "$name" | awk '{ print $1; exit }') || true
    [[ -n $address && $own != *" $address "* ]] || continue
    until timeout 1 bash -c "exec 3<>/dev/tcp/$address/${port:-4567}" 2>/dev/null || ((SECONDS >= end)); do
      sleep 0.5
    done
  done < <(setting wsrep_cluster_address | sed 's,^gcomm://,,; s,?.*,,' | tr , '\n')
}

# The number of the last Primary Component's view on disk.
view() { sed -n 's/^view_id: //p' "$datadir/gvwstate.dat" 2>/dev/null || true; }

# While the node joins, keeps a copy of each new view.
keep_view() {
  local last
  last=$(view)
  while [[ -e $joining ]]; do
    if [[ -n $(view) && $(view) != "$last" ]]; then
      last=$(view)
      # It may have gone meanwhile, with a joiner that failed.
      cp -p "$datadir/gvwstate.dat" "$kept_view.new" && mv "$kept_view.new" "$kept_view" && rm -f "$non_primary" || true
    fi
    sleep 1
  done
}

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

# Of a container that was killed during an SST. Its number may be another process's by now, and the next SST would wait for that to end.
rm -f "$datadir/wsrep_sst.pid"

# Half a datadir is no database to be upgraded.
[[ ! -e $datadir/sst_in_progress ]] || unset MARIADB_AUTO_UPGRADE

seqno=$(sed -n 's/^seqno:[[:space:]]*//p' "$datadir/grastate.dat" 2>/dev/null || true)
if [[ -f $datadir/ibdata1 && ${seqno:--1} == -1 && ! -e $datadir/sst_in_progress ]]; then
  say "grastate.dat holds no position, reading it from InnoDB"
  find "$datadir" ! -user mysql -exec chown mysql:mysql {} +
  output=$(mktemp)
  code=0
  attend "$@" --user=mysql --wsrep-recover --wsrep_cluster_address=gcomm:// --log-error=/dev/stderr >"$output" 2>&1 || code=$?
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

# A joiner whose SST fails leaves the cluster and its view behind. When the donor was killed, and so is still counted, the others take it for
# lost and not for gone: a third of three cannot go on then, and needs every member of the last view, under its old identity.
if [[ $bootstrap == no && -e $kept_view && ! -e $datadir/gvwstate.dat ]]; then
  say "ended as a joiner, and takes up the view that it had"
  install --owner mysql --group mysql --mode 0660 "$kept_view" "$datadir/gvwstate.dat"
fi
rm -f "$kept_view"

# A view on disk means that this node did not leave the cluster when it ended. Its peers count its last life as a member until
# evs.suspect_timeout has passed; a new life that connects before that makes all of them lose their view.
if [[ -e $datadir/gvwstate.dat && $bootstrap == no ]]; then
  suspect=$(provider_seconds evs.suspect_timeout PT5S)
  if [[ -e $non_primary ]]; then
    # The others may have gone on without it. After a crash of all, those of the last view have to meet without it, too.
    say "was in no Primary Component when it ended, so the other nodes go first: waiting until they answer, a minute at most"
    attend others_answer
    begun=$EPOCHREALTIME
  fi
  rest=$(awk -v until="$suspect" -v begun="$begun" -v now="$EPOCHREALTIME" '
    BEGIN { rest = begun + until + 1 - now; printf "%.1f", (rest > 0 ? rest : 0) }')
  say "ended without leaving the cluster, so the other nodes get evs.suspect_timeout ($suspect s) and a second: $rest s from now"
  attend sleep "$rest"
fi

if [[ ${GALERA_NODE_ADDRESS:-} == hostname ]]; then
  address=$(getent hosts "$(hostname)" | awk '{ print $1; exit }')
  set -- "$@" "--wsrep_node_address=$address"
fi

if [[ $bootstrap == no ]]; then
  touch "$joining"
  chown mysql:mysql "$joining"
  keep_view </dev/null &
fi

# What this server has in force: site compares it with the settings that are wanted. Whole at any moment, and as little
# readable as the original.
cp -p /etc/mysql/mariadb.conf.d/galera.cnf /run/mysqld/.in-force.cnf
mv /run/mysqld/.in-force.cnf /run/mysqld/in-force.cnf

exec docker-entrypoint.sh "$@"
