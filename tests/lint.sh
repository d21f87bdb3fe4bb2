#!/usr/bin/env bash
# Every static check, one after the other; stops at the first that fails.
# Wants the tools of requirements-dev.txt on PATH (`make lint` sees to that).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# ansible-lint looks into the home first, and a copy of this collection that is installed there may be an old one.
export ANSIBLE_HOME=$PWD/.ansible/home

step() {
  echo "==> $*"
  "$@"
}

# Paths of shell scripts: by name or by first line. Templates are not shell before they are rendered.
shell_scripts() {
  local path first
  while IFS= read -r -d '' path; do
    [[ -f $path && ! -L $path && $path != *.j2 ]] || continue
    IFS= read -r first <"$path" || true
    if [[ $path == *.sh || $first =~ ^\#!.*[/\ ](ba|da)?sh( |$) ]]; then
      printf '%s\0' "$path"
    fi
  done < <(git ls-files -z --cached --others --exclude-standard)
}

tests/link-collection.sh
mapfile -d '' -t scripts < <(shell_scripts)

step yamllint --strict .
step ruff check
step ruff format --check
step mypy
echo "==> shellcheck (${#scripts[@]} scripts)"
shellcheck --external-sources "${scripts[@]}"
step antsibull-changelog lint
step antsibull-changelog lint-changelog-yaml changelogs/changelog.yaml
step ansible-lint --strict
