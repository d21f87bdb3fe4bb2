#!/bin/bash
# Starts a node, in front of the image's own entrypoint: from its recovered position, and only where that harms no cluster.
#
# A node that was killed has seqno -1 in grastate.dat. Started plainly it asks for a full SST, and bootstrapped plainly it
# begins a new cluster; started with its position it needs an IST only. See docs/decisions/0002-recovered-position.md.
# Whether it starts, and whether it takes up its last view, is one table: decide, below. The same one is
# plugins/module_utils/_model/start.py, and tests/unit/roles/test_galera_start.py runs its cases through both.
#
# galera-start COMMAND [ARGUMENT...]: starts the node. Exit code 78: it must not start, and a sentence says why.
# galera-start --ask GROUP ADDRESS[:PORT]...: prints a line "ADDRESS:PORT same|older|other|silent|unreadable" for each. Needs
# no datadir and no record.
set -euo pipefail

# Unit tests have directories of their own.
root=${GALERA_START_ROOT:-}
datadir=$root/var/lib/mysql
# The node's record, in a directory of the host that is never a mount of data. A container of before has none.
record=$root/var/lib/galera-node
# Left by galera-notify: the node is in no Primary Component; the node has not been in one since it started.
non_primary=$root/run/mysqld/non-primary joining=$root/run/mysqld/joining
# A copy of the last view, as long as the node is joining.
kept_view=$root/run/mysqld/gvwstate.dat
# A last view that was not taken up: it is put back when more of the cluster answers. galera-notify removes it.
held_view=$record/held-view
[[ -d $record ]] || held_view=$root/run/mysqld/held-view
# Seconds that an address has to take a connection. They are spent where a host is down: one that is up refuses at once.
patience=1
begun=$EPOCHREALTIME
say() { echo "galera-start: $*" >&2; }

# Runs a command in the background, so that SIGTERM reaches this script: as the container's first process it is deaf to it otherwise.
attend() {
  local code=0
  trap 'kill "${child:-}"; wait; exit 143' TERM INT
  "$@" &
  child=$!
  wait "$child" || code=$?
  trap 'exit 143' TERM INT
  return "$code"
}

# setting NAME: of the server, a name with underscores.
setting() { my_print_defaults --mysqld | sed -n "s/^--${1//_/[-_]}=//p" | tail -n 1; }

# provider_option OPTION DEFAULT: an option of the provider as the settings have it.
provider_option() {
  setting wsrep_provider_options |
    awk -v RS=';' -v option="$1" -v value="$2" '
      { gsub(/[[:space:]]/, "") }
      index($0, option "=") == 1 { value = substr($0, length(option) + 2) }
      END { print value }'
}

# provider_seconds OPTION DEFAULT: PT1M30.5S as 90.5.
provider_seconds() {
  provider_option "$@" |
    awk '
      BEGIN { unit["H"] = 3600; unit["M"] = 60; unit["S"] = 1 }
      {
        while (match($0, /[0-9.]+[HMS]/)) {
          sum += substr($0, RSTART, RLENGTH - 1) * unit[substr($0, RSTART + RLENGTH - 1, 1)]
          $0 = substr($0, RSTART + RLENGTH)
        }
        print sum + 0
      }'
}

empty() { [[ -z $(ls -A "$1" 2>/dev/null) ]]; }

# keep FILE TEXT: writes a file of the record at once, or not at all.
keep() {
  printf %s "$2" >"$1.new"
  sync "$1.new"
  mv "$1.new" "$1"
  sync "$(dirname "$1")"
}

# ---- The other addresses

# The addresses of wsrep_cluster_address but the node's own, as HOST:PORT. The bootstrap container's name stands there too, with
# weave.
others() {
  local own name port address own_port
  own=" $(hostname -I) "
  own_port=$(provider_option gmcast.listen_addr tcp://0.0.0.0:4567)
  own_port=${own_port##*:}
  while IFS=: read -r name port; do
    port=${port:-4567}
    # A name need not be known yet, nor be known any more: with weave those of containers that do not run are not.
    [[ -n $name && $name != "$(hostname)" ]] || continue
    address=$(timeout 2 getent ahostsv4 "$name" | awk '{ print $1; exit }') || true
    [[ -n $address && $own == *" $address "* && $port == "$own_port" ]] || echo "$name:$port"
  done < <(setting wsrep_cluster_address | sed 's,^gcomm://,,; s,?.*,,' | tr , '\n')
}

# Waits until the cluster's other addresses take connections, for a minute at most.
others_answer() {
  local end=$((SECONDS + 60)) place
  for place in $(others); do
    timeout 2 getent ahostsv4 "${place%:*}" >/dev/null || continue
    until timeout 1 bash -c "exec 3<>/dev/tcp/${place%:*}/${place##*:}" 2>/dev/null || ((SECONDS >= end)); do
      sleep 0.5
    done
  done
}

# bytes COUNT: reads so many bytes from descriptor 3, and sets bytes to their values.
bytes() {
  local LC_ALL=C byte
  bytes=()
  while ((${#bytes[@]} < $1)); do
    # A byte 0 ends the reading, and leaves nothing.
    IFS= read -r -d '' -n 1 -u 3 byte || return 1
    printf -v byte %d "'$byte"
    bytes+=($((byte & 255)))
  done
}

# message: reads one of Galera's messages, and sets bytes to it. In front of each are three bytes of length, one of flags, and four of a
# checksum.
message() {
  local length
  bytes 8 || return 1
  length=$((bytes[0] + 256 * bytes[1] + 65536 * bytes[2]))
  # No message of a handshake is longer; something else does not speak Galera's protocol.
  ((length >= 20 && length <= 132)) && bytes "$length"
}

# handshake GROUP HOST PORT: connects like a node of the group, and prints "connected", and "same" or "another" when there was an
# answer. Whoever accepts says hello (gmcast_proto.cpp: GMCAST_T_HANDSHAKE), the other side gives its group and its address
# (HANDSHAKE_RESPONSE), and is refused for another group (GMCAST_T_FAIL, "invalid group"). The address that is given here cannot be
# one, so that this is refused too ("invalid node address"), and nobody takes the caller for a node. A header without a checksum
# is taken from everybody (datagram.hpp: check_cs).
handshake() {
  local LC_ALL=C group=$1 nulls='\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0' bytes id text
  local address='galera-start asks for the group'
  ((${#group} <= 32)) || return 0
  exec 3<>"/dev/tcp/$2/$3" || return 0
  echo connected
  # version, type, flags, segment, UUID of the node, UUID of the handshake
  message && ((${#bytes[@]} == 36 && bytes[0] == 0 && bytes[1] == 1)) || return 0
  printf -v id '\\x%02x' "${bytes[@]:20:16}"
  # Length and no checksum; version 0, type 2, with group, address and UUID of the handshake, segment 0; a UUID, which is not looked
  # at before the address is; the other one; 64 bytes of address and 32 of group.
  printf '\x84\0\0\0\0\0\0\0\0\x02\x15\0%b%b%s%b%s%b' "$id" "$id" \
    "$address" "$nulls${nulls::2*(32 - ${#address})}" "$group" "${nulls::2*(32 - ${#group})}" >&3
  message || return 0
  # The text of a refusal.
  printf -v text '\\x%02x' "${bytes[@]:20}"
  printf -v text %b "${text%%\\x00*}"
  case ${bytes[1]}$text in
    # It is "OK" that nobody should get who has no address.
    3* | '4invalid node address') echo same ;;
    '4invalid group') echo another ;;
  esac
}

# told GROUP HOST:PORT: same, another, silent or unreadable.
told() {
  local descriptor child line said=silent
  exec {descriptor}< <(handshake "$1" "${2%:*}" "${2##*:}" 2>/dev/null)
  child=$!
  if read -r -t "$patience" -u "$descriptor" line; then
    said=unreadable
    # Whoever takes the connection is there, and may be busy.
    ! read -r -t 3 -u "$descriptor" line || said=$line
  fi
  kill "$child" 2>/dev/null || true
  exec {descriptor}<&-
  echo "$said"
}

# generations GROUP FROM TO: the names that groups of the cluster can have in these generations: NAME, then NAME.2a to NAME.2z for the
# nodes that a branch can have begun on, NAME.2 where an earlier version began it, and so on. Names have room for three digits.
generations() {
  local name=$1 number
  [[ $1 =~ ^(.+)\.[0-9]{1,3}[a-z]?$ ]] && name=${BASH_REMATCH[1]}
  for ((number = $2; number <= $3; number++)); do
    if ((number == 1)); then
      echo "$name"
    else
      echo "$name.$number"
      ((number > 99)) || printf '%s\n' "$name.$number"{a..z}
    fi
  done
}

generation() { [[ $1 =~ ^.+\.([0-9]{1,3})[a-z]?$ ]] && echo "$((10#${BASH_REMATCH[1]}))" || echo 1; }

# ask_one GROUP HOST:PORT: the word for one address, and the group that it answers for where that is known.
ask_one() {
  local said group own word
  said=$(told "$1" "$2")
  if [[ $said == another ]]; then
    said=other
    own=$(generation "$1")
    # Branches that were given up, then one that may have followed, or begun at the same time elsewhere.
    for group in $(generations "$1" 1 $((own - 1))) $(generations "$1" $((own + 1)) $((own + 1))) $(generations "$1" "$own" "$own"); do
      [[ $group != "$1" ]] || continue
      word=$(told "$group" "$2")
      [[ $word != another ]] || continue
      # One that says nothing any more is not asked for all names.
      [[ $word == same ]] || break
      (($(generation "$group") < own)) && said=older
      said+=" $group"
      break
    done
  fi
  echo "$2 $said"
}

# ask GROUP HOST:PORT...: all at once; a line for each, in their order.
ask() {
  local group=$1 place descriptor descriptors=()
  for place in "${@:2}"; do
    exec {descriptor}< <(ask_one "$group" "$place")
    descriptors+=("$descriptor")
  done
  for descriptor in "${descriptors[@]}"; do
    cat <&"$descriptor"
    exec {descriptor}<&-
  done
}

# ---- The facts, and what follows from them

# What the datadir holds: emptied, blank, data, half or ibdata_only.
look_at_datadir() {
  # The SST's script removes sst_in_progress when it fails, too. What it received lies in .sst until it is complete, and a joiner whose
  # view was kept has not got its state.
  if [[ -e $datadir/sst_in_progress || -e $datadir/.sst ]] || { ((!named)) && [[ -e $kept_view ]]; }; then
    echo half
  elif ! empty "$datadir/mysql"; then
    echo data
  elif [[ -e $datadir/ibdata1 ]]; then
    echo ibdata_only
  elif [[ -z $(find "$datadir" -mindepth 1 -maxdepth 1 ! -name lost+found -print -quit 2>/dev/null) ]]; then
    echo emptied
  else
    echo blank
  fi
}

# grastate NAME: a value of grastate.dat, without the blanks that an editor may leave.
grastate() { sed -n "s/^$1:[[:space:]]*\([^[:space:]]*\).*/\1/p" "$datadir/grastate.dat" 2>/dev/null || true; }

# The number of the last Primary Component's view on disk.
view() { sed -n 's/^view_id: //p' "$datadir/gvwstate.dat" 2>/dev/null || true; }

# The last view: where the server looks for it; the joiner's copy; the one that was held back.
last_view() {
  local file
  for file in "$datadir/gvwstate.dat" "$kept_view" "$held_view"; do
    [[ ! -e $file ]] || { echo "$file" && return; }
  done
}

gather() {
  local uuid file place said places
  uuid=$(grastate uuid)
  named=1
  [[ -n $uuid && $uuid != 00000000-* ]] || named=0
  content=$(look_at_datadir)
  file=$(last_view)
  views=0
  [[ -z $file ]] || views=$(grep -c '^member:' "$file") || true
  disowned=0 undefined=0
  if [[ $content == data && $uuid == 00000000-* ]]; then
    # A node that was voted out left its view, and had been in a Primary Component. One that joins, or executes DDL, has zeros meanwhile.
    if ((views)) || [[ -e $joining ]]; then undefined=1; else disowned=1; fi
  fi
  fenced=0 had_data=0 members=0
  [[ ! -e $record/fenced ]] || fenced=1
  [[ ! -e $record/had-data ]] || had_data=1
  [[ ! -e $record/members ]] || members=$(grep -c . "$record/members") || true
  # A record that does not name this node says nothing of it being the only one.
  ((!members)) || grep -qxF "$(setting wsrep_node_name)" "$record/members" || members=$((members + 1))
  answers=() living=''
  group=$(setting wsrep_cluster_name)
  recorded=$(sed -n 's/^ *"group": "\(.*\)",*$/\1/p' "$record/branch.json" 2>/dev/null) || true
  misfit=0
  [[ -z $recorded || $recorded == "$group" ]] || misfit=1
  places=()
  # A fenced node disturbs nobody.
  ((fenced)) || mapfile -t places < <(others)
  while read -r place said; do
    # The bootstrap container is in a node's place while it runs. Else it is nobody.
    [[ $said != silent || ${place%:*} != "${GALERA_BOOTSTRAP_ADDRESS:-}" ]] || continue
    answers+=("${said%% *}")
    case $said in
      other) living=$place ;;
      'other '*) living="$place, group ${said#other }" ;;
    esac
  done < <(ask "$group" "${places[@]}")
}

# decide: sets action (start, start_without_view, start_alone or refuse), reason and fence. The first row that applies.
decide() {
  local repair='Run repair_node, which keeps this datadir and fills a new one.' answer same=0 other=0 all
  for answer in "${answers[@]}"; do
    [[ $answer != same ]] || same=$((same + 1))
    [[ $answer != other ]] || other=$((other + 1))
  done
  all=$((members ? members : 1 + ${#answers[@]}))
  action=refuse reason='' fence=0
  if ((fenced)); then
    reason="This node is fenced, because another branch of its cluster was found alive. $repair"
  elif ((misfit)); then
    reason="The settings are for another group than this node's record: a run that begins a branch was interrupted. Run"
    reason+=" recover again with the same recover_force, or site."
  elif [[ $content == emptied ]] && ((had_data)); then
    reason="The datadir is empty, but this node had data: check that its disk is mounted. If the data are gone, run"
    reason+=" repair_node, which fills the datadir from the other nodes."
  elif [[ $content == ibdata_only ]]; then
    reason="The datadir holds InnoDB data, but no system tables in mysql/, so it is incomplete. $repair"
  elif [[ $content == half && $bootstrap == yes ]]; then
    reason="The last state transfer to this node was interrupted, so its datadir is incomplete and cannot bootstrap a"
    reason+=" cluster. Run recover, which chooses another node."
  elif ((disowned)); then
    reason="The other nodes voted this node out, because its data differ from theirs. $repair"
  elif ((other)); then
    fence=1
    reason="A configured address answers for another group, so another branch of the cluster, or another cluster, is"
    reason+=" alive there: this node is fenced. $repair"
  elif [[ $bootstrap == yes ]]; then
    action=start
  elif ((all == 1 && !same && (undefined || !views))) && [[ $content == data ]]; then
    action=start_alone
    reason='This node is the only member of its branch, and bootstraps it from its own data.'
  elif ((!views)); then
    action=start
  elif ((undefined)); then
    action=start_without_view
    reason='This node was killed while it executed DDL, so its position is not certain: it joins the others, and does'
    reason+=' not take up its last view. If no Primary Component forms, run recover.'
  # All that could have begun another branch must have answered, and they must be more than half: a host that was taken out of the
  # settings is not asked.
  elif ((2 * views > all || (same == ${#answers[@]} && 2 * (1 + same) > all))); then
    action=start
  else
    action=start_without_view
    reason="The last view has $views of $all members, and the other members do not all answer: this node joins the"
    reason+=" others, and does not take up its last view. If no Primary Component forms, start the others or run recover."
  fi
}

# Looks, decides, and ends where this node must not start.
settle() {
  gather
  decide
  [[ $action == refuse ]] || return 0
  say "$reason"
  if ((fence)); then
    living="$(date --utc +%FT%TZ) $living"
    say "found alive: $living; the group of this node is $group"
    [[ ! -d $record ]] || keep "$record/fenced" "$living"$'\n'
  elif ((fenced)); then
    say "found alive: $(<"$record/fenced")"
  fi
  exit 78
}

# ---- Getting ready

prepare_empty_datadir() {
  if [[ $bootstrap == yes ]]; then
    # Left by an earlier attempt to join; the entrypoint initialises only where it is absent.
    [[ ! -d $datadir/mysql ]] || rmdir "$datadir/mysql"
    # Accounts of the node itself log in through the socket as an operating system's user, so they have no password.
    # root: whoever is root on the host or in the container. mysql: the donor's backup and the health check.
    cat >"$root/docker-entrypoint-initdb.d/accounts.sql" <<'SQL'
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
}

# recover_position COMMAND [ARGUMENT...]: sets position, from InnoDB.
recover_position() {
  local output code=0 log
  say "grastate.dat holds no position, reading it from InnoDB"
  find "$datadir" ! -user mysql -exec chown mysql:mysql {} +
  output=$(mktemp)
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
  [[ $position != 00000000-* ]] || position=''
}

# A view on disk means that this node did not leave the cluster when it ended. Its peers count its last life as a member until
# evs.suspect_timeout has passed; a new life that connects before that makes all of them lose their view.
let_others_go_first() {
  local suspect rest
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
}

# give_view FILE: puts a view where the server looks for it.
give_view() { install --owner mysql --group mysql --mode 0660 "$1" "$datadir/gvwstate.dat"; }

# grastate.dat as a node needs it that bootstraps from its own data.
allow_bootstrap() {
  if ((!named)) && [[ -n $position ]]; then
    printf '# GALERA saved state\nversion: 2.1\nuuid:    %s\nseqno:   -1\nsafe_to_bootstrap: 1\n' "${position%%:*}" >"$datadir/grastate.dat.new"
    chown mysql:mysql "$datadir/grastate.dat.new"
    mv "$datadir/grastate.dat.new" "$datadir/grastate.dat"
  elif [[ -e $datadir/grastate.dat ]]; then
    sed -i 's/^safe_to_bootstrap:.*/safe_to_bootstrap: 1/' "$datadir/grastate.dat"
  fi
}

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

start() {
  local bootstrap=no argument seqno position='' address
  for argument in "$@"; do
    [[ $argument == --wsrep_cluster_address=gcomm:// ]] && bootstrap=yes
  done
  trap 'exit 143' TERM INT

  # Before anything is touched.
  settle
  if [[ $content == data && -d $record ]] && ((!had_data)); then
    keep "$record/had-data" '' || say "the mark had-data could not be written"
  fi
  # Of a container that was killed during an SST. Its number may be another process's by now, and the next SST would wait for that to end.
  rm -f "$datadir/wsrep_sst.pid"
  # Data that come by SST have the donor's history: the views recorded for the data of before no longer apply.
  [[ $bootstrap == yes || $content == data ]] || rm -f "$record/views"
  if empty "$datadir/mysql"; then
    prepare_empty_datadir
  elif [[ $content == half ]]; then
    # Half a datadir is no database to be upgraded.
    unset MARIADB_AUTO_UPGRADE
  else
    seqno=$(grastate seqno)
    if [[ -f $datadir/ibdata1 && ${seqno:--1} == -1 ]]; then
      recover_position "$@"
    fi
  fi
  if [[ -n $position ]]; then
    say "recovered position $position"
    set -- "$@" "--wsrep_start_position=$position"
  fi

  # A joiner whose SST fails leaves the cluster and its view behind. When the donor was killed, and so is still counted, the others take it
  # for lost and not for gone: a third of three cannot go on then, and needs every member of the last view, under its old identity.
  if [[ $bootstrap == no && -e $kept_view && ! -e $datadir/gvwstate.dat ]]; then
    say "ended as a joiner, and takes up the view that it had"
    give_view "$kept_view"
  fi
  rm -f "$kept_view"

  if [[ $bootstrap == no && -e $datadir/gvwstate.dat ]]; then
    let_others_go_first
  fi
  if [[ $bootstrap == no ]] && ((views)); then
    # The others may have started, or gone another way, during a recovery and a wait. From here on the node goes by it, so that one lost
    # packet may not matter: TCP sends it again after a second.
    patience=2
    settle
  fi
  [[ -z $reason ]] || say "$reason"
  case $action in
    start)
      if [[ $bootstrap == no && ! -e $datadir/gvwstate.dat && -e $held_view ]]; then
        say "takes up the view that it held back"
        give_view "$held_view"
      fi
      ;;
    start_without_view)
      [[ ! -e $datadir/gvwstate.dat ]] || mv "$datadir/gvwstate.dat" "$held_view"
      ;;
    start_alone)
      allow_bootstrap
      rm -f "$datadir/gvwstate.dat"
      set -- "$@" --wsrep_cluster_address=gcomm://
      ;;
  esac

  if [[ ${GALERA_NODE_ADDRESS:-} == hostname ]]; then
    address=$(getent hosts "$(hostname)" | awk '{ print $1; exit }')
    set -- "$@" "--wsrep_node_address=$address"
  fi

  if [[ $bootstrap == no && $action != start_alone ]]; then
    touch "$joining"
    chown mysql:mysql "$joining"
    keep_view </dev/null &
  fi

  # What this server has in force: site compares it with the settings that are wanted. Whole at any moment, and as little
  # readable as the original.
  cp -p "$root/etc/mysql/mariadb.conf.d/galera.cnf" "$root/run/mysqld/.in-force.cnf"
  mv "$root/run/mysqld/.in-force.cnf" "$root/run/mysqld/in-force.cnf"

  exec docker-entrypoint.sh "$@"
}

case ${1:-} in
  --ask)
    group=${2:?"galera-start --ask GROUP ADDRESS[:PORT]..."}
    places=()
    for place in "${@:3}"; do
      [[ $place == *:* ]] || place+=:4567
      places+=("$place")
    done
    ask "$group" "${places[@]}" | cut -d ' ' -f 1,2
    ;;
  *)
    start "$@"
    ;;
esac
