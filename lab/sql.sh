#!/usr/bin/env bash
# A MariaDB client, through the VIP, as the application: lab/sql.sh [LAB] [client arguments]. It runs in the node's image on the
# first host, because the machine itself need not have a client.
set -euo pipefail
cd "$(dirname "$0")/.."
name=${1:-lab}
shift || true
{ read -r address; read -r vip; read -r port; read -r image; } < <(python3 lab/describe.py "$name")
shell=(ssh -q -i ".lab/$name/key" -o "UserKnownHostsFile=.lab/$name/known_hosts" "root@$address")

# The password travels by standard input into a file of the host, which is there as long as the client runs.
file=$(
  {
    printf '[client]\nhost=%s\nport=%s\nuser=application\ndatabase=application\nskip-ssl-verify-server-cert\n' "$vip" "$port"
    sed -n 's/^mariadb_application_password: "\(.*\)"/password=\1/p' ".lab/$name/inventory/group_vars/all/secrets.yml"
  } | "${shell[@]}" "file=\$(mktemp) && cat >\$file && echo \$file"
)
trap '"${shell[@]}" rm -f "$file"' EXIT
arguments=""
(($# == 0)) || arguments=$(printf '%q ' "$@")
terminal=""
[[ -t 0 ]] && terminal=-t
"${shell[@]}" ${terminal:+-t} docker run --rm -i $terminal --network host --entrypoint mariadb \
  -v "$file:/root/.my.cnf:ro" "$image" "$arguments"
