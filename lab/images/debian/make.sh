#!/usr/bin/env bash
# make.sh SUITE ARCHIVE: a slim Debian, with the packages that apt itself needs, from the machine's own mirrors.
set -euo pipefail
suite=$1 archive=$2
own_suite=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)

# The machine's sources with the suite exchanged. Where it has none of Debian's, mmdebstrap knows Debian's own.
# shellcheck disable=SC2016 # these dollars are apt's
sources=$(apt-get indextargets --format 'deb $(REPO_URI) $(RELEASE) main' 'Created-By: Packages' 'Origin: Debian' | sort -u |
    awk -v own="$own_suite" -v suite="$suite" '$3 ~ "^" own "(-updates|-security)?$" { sub(own, suite, $3); print }')

# shellcheck disable=SC2016 # hooks get the root's directory as $1
mmdebstrap --variant=minbase --include=usr-is-merged --dpkgopt="$(dirname "$0")/dpkg-excludes" \
    --customize-hook='chroot "$1" apt-mark auto "?installed" && chroot "$1" apt-mark manual apt' \
    --customize-hook='chroot "$1" apt-get autopurge --yes usrmerge \
        --option APT::AutoRemove::RecommendsImportant=false --option APT::AutoRemove::SuggestsImportant=false' \
    --customize-hook='rm -f "$1/etc/hostname" "$1/etc/resolv.conf"; : >"$1/etc/machine-id"' \
    "$suite" "$archive" ${sources:+"$sources"}
