#!/usr/bin/env bash
# ansible-test sanity on plugins, meta and unit tests; arguments are passed on (`tests/sanity.sh --test validate-modules`).
# What runs elsewhere than in Ansible (roles' and the lab's scripts) has its checks in tests/lint.sh.
#
# ansible-test refuses a checkout that is reached through a link, so the files that git knows or would add are copied
# to .ansible/sanity. Its home is there, too: the user's own stays untouched, except that pip's settings are used.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

root=$PWD/.ansible/sanity
tree=$root/ansible_collections/dbops/galera
home=$root/home
python=$(python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])')

rm -rf "$tree"
mkdir -p "$tree" "$home/.ansible/test/cache"
git ls-files -z --cached --others --exclude-standard |
  while IFS= read -r -d '' path; do
    if [[ -e $path || -L $path ]]; then printf '%s\0' "$path"; fi
  done |
  tar --create --null --files-from=- | tar --extract --directory="$tree"

# pip for ansible-test's virtual environments: from Python itself, not from a download.
cat >"$home/.ansible/test/cache/get_pip_24_2.py" <<'PYTHON'
import ensurepip
ensurepip.bootstrap(default_pip=True)
PYTHON
for directory in .config/pip .cache/pip; do
  if [[ -d $HOME/$directory ]]; then
    mkdir -p "$(dirname "$home/$directory")"
    ln -sfn "$HOME/$directory" "$home/$directory"
  fi
done

# A repository of its own: else git, asked by ansible-test, finds the checkout around it, which ignores this directory.
cd "$tree"
git init --quiet
HOME=$home exec ansible-test sanity --local --python "$python" --color no "$@" plugins/ meta/ tests/unit/
