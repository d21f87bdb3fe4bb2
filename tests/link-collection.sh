#!/usr/bin/env bash
# Makes .ansible/collections/ansible_collections/dbops/galera a link to this checkout, so that Ansible and Python
# find the collection by its name.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

parent=.ansible/collections/ansible_collections/dbops
mkdir -p "$parent"
ln -sfn ../../../.. "$parent/galera"
