#!/bin/bash
# healthcheck.sh OPTION...: runs the named checks in order and fails with the first that fails. As in the official image:
#   --su-mysql, --su=USER          run what follows as another user
#   --datadir=DIRECTORY            where .my-healthcheck.cnf and mariadb_upgrade_info are looked for
#   --defaults-file=FILE, --defaults-extra-file=FILE, --defaults-group-suffix=SUFFIX, --no-defaults
#   --connect                      the server takes connections over TCP
#   --innodb_initialized, --innodb_buffer_pool_loaded, --galera_online, --galera_ready, --mariadbupgrade
#   --no-connect                   leave out the connect check that otherwise ends every run
set -eo pipefail

datadir=/var/lib/mysql
declare -A defaults
connected=''

client() {
    local arguments=()
    [[ -z ${defaults[none]} ]] || arguments+=(--no-defaults)
    [[ -z ${defaults[file]} ]] || arguments+=("--defaults-file=${defaults[file]}")
    [[ -z ${defaults[extra-file]} ]] || arguments+=("--defaults-extra-file=${defaults[extra-file]}")
    [[ -z ${defaults[group-suffix]} ]] || arguments+=("--defaults-group-suffix=${defaults[group-suffix]}")
    mariadb "${arguments[@]}" --batch --skip-column-names "$@"
}

ask() { client --protocol=socket --execute="$1"; }
status() { ask "SELECT variable_value FROM information_schema.global_status WHERE variable_name = '$1'"; }

# A server that makes its database has no network yet. One that refuses the login does answer.
check_connect() {
    local answer query='SELECT @@skip_networking'
    answer=$(ask "$query" 2>/dev/null) ||
        answer=$(client --host=localhost --protocol=tcp --skip-print-query-on-error --execute="$query" 2>&1) || true
    connected=no
    [[ $answer == 0 || $answer =~ ^ERROR\ (1[0-9]{3}\ \(28000\)|1820|1226|4151) ]] || return 1
    connected=yes
}

check_innodb_initialized() {
    [[ $(ask "SELECT 1 FROM information_schema.engines WHERE engine = 'InnoDB' AND support IN ('YES', 'DEFAULT')") == 1 ]]
}
check_innodb_buffer_pool_loaded() { [[ $(status Innodb_buffer_pool_load_status) == *'load completed'* ]]; }
check_galera_online() { [[ $(status wsrep_local_state) == 4 ]]; }
check_galera_ready() { [[ $(status wsrep_ready) == ON ]]; }
check_mariadbupgrade() {
    local file
    for file in "$datadir"/{mysql,mariadb}_upgrade_info; do
        [[ ! -r $file ]] || flock --exclusive --nonblock "$file" true || return 1
    done
}

(($#)) || {
    echo 'healthcheck.sh: name at least one check.' >&2
    exit 1
}
[[ ! -r $datadir/.my-healthcheck.cnf ]] || defaults[extra-file]=$datadir/.my-healthcheck.cnf

while (($#)); do
    case $1 in
        --su-mysql) exec gosu mysql "$0" "${@:2}" ;;
        --su=*) exec gosu "${1#*=}" "$0" "${@:2}" ;;
        --datadir=*) datadir=${1#*=} ;;
        --su | --datadir | --defaults-file | --defaults-extra-file | --defaults-group-suffix)
            set -- "$1=$2" "${@:3}" # the value as a word of its own
            continue
            ;;
        --no-defaults) defaults=([none]=yes) ;;
        --defaults-*=*)
            name=${1#--defaults-}
            defaults[${name%%=*}]=${1#*=}
            ;;
        --no-connect) connected=yes ;;
        --*)
            check=${1#--}
            if ! declare -F "check_$check" >/dev/null; then
                echo "healthcheck.sh: there is no check '$check'." >&2
                exit 1
            elif ! "check_$check"; then
                echo "healthcheck $check failed" >&2
                exit 1
            fi
            ;;
        *)
            echo "healthcheck.sh: what is '$1'?" >&2
            exit 1
            ;;
    esac
    shift
done
[[ $connected == yes ]] || check_connect
