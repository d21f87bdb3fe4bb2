#!/usr/bin/env bash
# A MariaDB client, through the VIP, as the application: lab/sql.sh [LAB] [client arguments]. It is run in the node image on the
# first host, because the machine itself need not have a client.
set -euo pipefail
cd "$(dirname "$0")/.."
name=${1:-lab}
shift || true
inventory=.lab/$name/inventory
tty=()
[[ -t 0 ]] && tty=(-t)
mapfile -t where < <(ansible -i "$inventory" 'galera[0]' -m ansible.builtin.debug \
  -a "msg={{ ansible_host }}|{{ galera_vip }}|{{ (groups['proxysql'] | length > 0) | ternary(6033, 3306) }}|{{ mariadb_image }}" |
  sed -n 's/.*"msg": "\(.*\)".*/\1/p' | tr '|' '\n')
# The password goes in by standard input of a first call and stands in a file of the host for as long as the client runs.
password=$(sed -n 's/^mariadb_application_password: "\(.*\)"/\1/p' "$inventory/group_vars/all/secrets.yml")
ssh_to=(ssh -q -i ".lab/$name/key" -o "UserKnownHostsFile=.lab/$name/known_hosts" "root@${where[0]}")
file=$(printf '[client]\nhost=%s\nport=%s\nuser=application\npassword=%s\ndatabase=application\nssl-verify-server-cert=0\n' "${where[1]}" "${where[2]}" "$password" |
  "${ssh_to[@]}" 'file=$(mktemp) && cat >"$file" && echo "$file"')
trap '"${ssh_to[@]}" rm -f "$file"' EXIT
"${ssh_to[@]}" "${tty[@]}" docker run --rm -i "${tty[@]}" --network host --entrypoint mariadb -v "$file:/root/.my.cnf:ro" "${where[3]}" "$(printf '%q ' "$@")"
