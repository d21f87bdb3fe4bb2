#!/usr/bin/env bash
# Provide the lab's images: from archives in local/, from a registry, or built here from Debian's packages.
set -euo pipefail
shopt -s nullglob

usage() {
    cat <<'HELP'
Usage: lab/images/build.sh [--rebuild] [NAME...]

Provides the lab's images and writes their names to .lab/images.yml.
NAME: host, mariadb-10.11, mariadb-11.8, keepalived, garbd, restic, proxysql, weave; all of them when none is given.

  --rebuild   build the named images although their definition is unchanged, and ask the registry again
  --help      show this help

lab/images/README.md tells where each image comes from.
HELP
}

readonly known_names=(host mariadb-10.11 mariadb-11.8 keepalived garbd restic proxysql weave)
readonly proxysql_version=2.7.1 weave_version=2.9.0 keepalived_version=2.3.3 garbd_version=26.4 restic_version=0.19.1
readonly label=dbops.lab.definition
images_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
lab_dir=${images_dir%/lab/images}/.lab
log=$lab_dir/images.log
readonly images_dir lab_dir log

die() {
    printf 'build.sh: %s\n' "$*" >&2
    exit 1
}

# run COMMAND...: its output goes to the log; when it fails, the end of the log is shown.
run() {
    printf '\n$ %s\n' "$*" >>"$log"
    "$@" >>"$log" 2>&1 && return
    tail -n 30 "$log" >&2
    die "that was '$1 ${2:-}', which failed. The whole output is in $log."
}

# ---- What is there already

image_id() { docker image inspect --format '{{.Id}}' "$1" 2>/dev/null; }
definition_of() { docker image inspect --format "{{index .Config.Labels \"$label\"}}" "$1" 2>/dev/null; }
was_pulled() { [[ $(docker image inspect --format '{{len .RepoDigests}}' "$1" 2>/dev/null) == [1-9]* ]]; }

# A line "TAG FILE" for each image in local/. An archive is read once; it is read again when it changes.
list_local_images() {
    local file list
    mkdir -p "$lab_dir/tags"
    for file in "$images_dir"/local/*.tar "$images_dir"/local/*.tar.{gz,xz}; do
        list=$lab_dir/tags/${file##*/}@$(stat --format '%s-%Y' "$file")
        if [[ ! -e $list ]]; then
            tar --extract --to-stdout --occurrence=1 --file "$file" manifest.json |
                python3 -c 'import json, sys; print(*(t for i in json.load(sys.stdin) for t in i["RepoTags"] or []), sep="\n")' \
                    >"$list.part" || die "$file is not an archive made by 'docker save'."
            mv "$list.part" "$list"
        fi
        sed "s|\$| ${file##*/}|" "$list"
    done
}

# Does a registry answer? Asked once a run, and not again for an hour after a "no": time-outs are long.
registry_answers() {
    if [[ -z ${registry:-} ]]; then
        registry=no
        if [[ -n $rebuild || -z $(find "$lab_dir/no-registry" -mmin -60 2>/dev/null) ]]; then
            if timeout 20 docker pull --quiet hello-world >>"$log" 2>&1; then
                registry=yes
            else
                touch "$lab_dir/no-registry"
            fi
        fi
    fi
    [[ $registry == yes ]]
}

# ---- Building

# The machine's own settings of apt without which a build may not reach its mirrors: proxies, and how dates are checked.
apt_settings() {
    if command -v apt-config >/dev/null; then
        apt-config dump | grep -E '^Acquire::(https?::Proxy|Check-Date|Check-Valid-Until|Retries)[: ]' || true
    fi
}

# definition_in DIRECTORY: changes when one of its files does.
definition_in() {
    tar --create --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner --directory "$1" . | sha256sum | cut -d' ' -f1
}

# base_image SUITE sets $base: Debian's own slim image, or the like made here.
base_image() {
    local definition root
    base=debian:$1-slim
    image_id "$base" >/dev/null && return
    base=dbops-lab/debian:$1
    definition=$(definition_in "$images_dir/debian")
    [[ $(definition_of "$base") == "$definition" ]] && return
    if registry_answers; then
        base=debian:$1-slim
        echo "  pulling $base"
        run docker pull --quiet "$base"
        return
    fi
    if ((EUID)) || ! command -v apt-get >/dev/null; then
        die 'no registry answers; to build the images without one, run this as root on Debian or Ubuntu.'
    fi
    if ! command -v mmdebstrap >/dev/null; then
        echo '  installing mmdebstrap'
        run apt-get update
        run env DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends mmdebstrap debian-archive-keyring
    fi
    echo "  making $base"
    root=$lab_dir/base.tar
    run "$images_dir/debian/make.sh" "$1" "$root"
    run docker import --change "LABEL $label=$definition" "$root" "$base"
    rm "$root"
}

# build IMAGE DIRECTORY SUITE [ARGUMENT=VALUE...] unless an image of the same definition is there.
build() {
    local directory=$images_dir/$2 base definition started=$SECONDS argument options=()
    image=$1
    base_image "$3"
    for argument in "BASE=$base" "${@:4}"; do
        options+=(--build-arg "$argument")
    done
    definition=$(echo "$(image_id "$base") $(definition_in "$directory") ${options[*]}" | sha256sum | cut -d' ' -f1)
    if [[ -z $rebuild && $(definition_of "$image") == "$definition" ]]; then
        return
    fi
    echo "  building $image"
    APT_SETTINGS=$(apt_settings) run docker build --network host "${options[@]}" --build-arg APT_SETTINGS \
        --build-arg http_proxy --build-arg https_proxy --build-arg no_proxy \
        --label "$label=$definition" --tag "$image" "$directory"
    run docker image prune --force --filter label="$label"
    echo "  built in $((SECONDS - started)) s"
}

# save NAME: keep $image as the archive that the lab's hosts load, and name it in $archive.
save() {
    local id kept=$lab_dir/archives/$1.tar
    id=$(image_id "$image")
    archive=archives/$1.tar
    [[ -e $kept && $(cat "$kept.id" 2>/dev/null) == "$id" ]] && return
    echo "  saving $image for the hosts"
    run docker save --output "$kept.part" "$image"
    chmod 0644 "$kept.part"
    mv "$kept.part" "$kept"
    echo "$id" >"$kept.id"
}

# ---- Where an image comes from. Each of these sets $image and $archive, or fails.

# An archive in local/ that holds an image of this name (a pattern); a registry's name may stand in front.
from_local() {
    local line
    line=$(grep -m1 -E "^([^ ]+/)?$1" <<<"$local_images") || return
    image=${line%% *} archive=local/${line#* }
}

# from_registry NAME IMAGE
from_registry() {
    if ! was_pulled "$2"; then
        registry_answers || return
        echo "  pulling $2"
        docker pull --quiet "$2" >>"$log" 2>&1 || return
    fi
    image=$2
    save "$1"
}

provide_mariadb() { # VERSION SUITE
    from_local "mariadb:${1//./\\.}" && return
    # What was built here stays in use until a new build is asked for.
    if [[ -n $rebuild ]] || ! image_id "dbops-lab/mariadb:$1" >/dev/null; then
        from_registry "mariadb-$1" "mariadb:$1" && return
    fi
    build "dbops-lab/mariadb:$1" mariadb "$2" "MARIADB_VERSION=$1"
    save "mariadb-$1"
}

provide_weave() {
    local part version images=() files=()
    for part in weave weaveexec weavedb; do
        version=$([[ $part == weavedb ]] && echo latest || echo "$weave_version")
        from_local "$part:" || from_registry "$part" "rajchaudhuri/$part:$version" || return
        images+=("$image") files+=("$archive")
    done
    image=${images[*]} archive=${files[*]}
}

provide() {
    image='' archive=''
    case $1 in
        host) build dbops-lab/host:bookworm host bookworm ;;
        mariadb-10.11) provide_mariadb 10.11 bookworm ;;
        mariadb-11.8) provide_mariadb 11.8 trixie ;;
        keepalived)
            from_local '[^ ]*keepalived' && return
            build "dbops-lab/keepalived:$keepalived_version" keepalived trixie "KEEPALIVED_VERSION=$keepalived_version"
            save keepalived
            ;;
        garbd)
            from_local '[^ ]*garbd' && return
            build "dbops-lab/garbd:$garbd_version" garbd bookworm "GARBD_VERSION=$garbd_version"
            save garbd
            ;;
        restic)
            from_local '[^ ]*restic' || from_registry restic "restic/restic:$restic_version" && return
            build dbops-lab/restic:forky restic trixie
            save restic
            ;;
        proxysql) from_local 'proxysql:' || from_registry proxysql "proxysql/proxysql:$proxysql_version" || true ;;
        weave) provide_weave || image='' archive='' ;;
    esac
}

# ---- The result

# chosen NAME image|archive: what the last run chose for NAME.
chosen() { sed -n "s/^$2 //p" "$lab_dir/chosen/$1" 2>/dev/null || true; }
yaml_list() { tr -s ' ' '\n' <<<"$*" | awk 'NF && !seen[$0]++ { printf "%s%s", sep, $0; sep = ", " }'; }

write_result() {
    cat >"$lab_dir/images.yml" <<YAML
---
# Written by lab/images/build.sh. Archives lie below /srv/lab in the lab's hosts.
lab_host_image: "$(chosen host image)"
lab_mariadb_image: "$(chosen mariadb-10.11 image)"
lab_mariadb_next_image: "$(chosen mariadb-11.8 image)"
lab_keepalived_image: "$(chosen keepalived image)"
lab_garbd_image: "$(chosen garbd image)"
lab_restic_image: "$(chosen restic image)"
lab_proxysql_image: "$(chosen proxysql image)"
lab_weave_images: [$(yaml_list "$(chosen weave image)")]
lab_archives: [$(yaml_list "$(for name in mariadb-10.11 keepalived garbd restic proxysql weave; do chosen "$name" archive; done)")]
lab_mariadb_next_archive: "$(chosen mariadb-11.8 archive)"
YAML
}

rebuild='' names=()
while (($#)); do
    case $1 in
        --help) usage && exit ;;
        --rebuild) rebuild=yes ;;
        *)
            [[ " ${known_names[*]} " == *" $1 "* ]] || die "there is no image '$1'; try --help."
            names+=("$1")
            ;;
    esac
    shift
done
((${#names[@]})) || names=("${known_names[@]}")
docker version >/dev/null 2>&1 || die 'Docker does not answer: is its daemon running, and may you use it?'

mkdir -p "$lab_dir"/{archives,chosen}
exec 9>"$lab_dir/images.lock"
flock 9
: >"$log"
local_images=$(list_local_images)
number=0
for name in "${names[@]}"; do
    number=$((number + 1))
    printf 'image %d/%d: %s\n' "$number" "${#names[@]}" "$name"
    provide "$name"
    printf 'image %s\narchive %s\n' "$image" "$archive" >"$lab_dir/chosen/$name"
    echo "  ${image:-none to be had}"
done
write_result
