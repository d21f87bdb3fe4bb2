#!/usr/bin/env bash
# The lab and the main job: images, hosts, site. Says what it does, how far it is, and what to do next.
set -euo pipefail
cd "$(dirname "$0")/.."
export LAB=${LAB:-lab}
started=$SECONDS

step() { printf '\n==> [%s/4, %s s] %s\n' "$1" "$((SECONDS - started))" "$2"; }

step 1 "images of the hosts and servers (built once, a few minutes; then kept)"
lab/images/build.sh
step 2 "${HOSTS:-3} Docker hosts"
ansible-playbook -i localhost, lab/create.yml
step 3 "site: from empty hosts to a highly available database"
ansible-playbook -i ".lab/$LAB/inventory" playbooks/site.yml
step 4 "status"
ansible-playbook -i ".lab/$LAB/inventory" playbooks/status.yml

{ read -r _; read -r vip; read -r port; read -r _; } < <(python3 lab/describe.py "$LAB")
cat <<EOF

The lab is up after $((SECONDS - started)) s.
  endpoint      $vip:$port (user application, database application)
  credentials   .lab/$LAB/inventory/group_vars/all/secrets.yml

Next:
  make sql       a client through the VIP
  make status    who is Primary, Synced, writer, VIP holder
  make site      run site again: changed=0
EOF
