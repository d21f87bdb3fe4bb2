#!/bin/bash
# Starts MariaDB, and makes a database first where the data directory is empty. It understands the variables that the
# official image documents, each also as NAME_FILE and, where it is an old one, as MYSQL_ instead of MARIADB_:
# https://mariadb.com/docs/server/server-management/automated-mariadb-deployment-and-administration/docker-and-mariadb
# Unlike there, what stands in a file does not go through the environment.
set -eo pipefail
shopt -s nullglob

readonly settings=(
    ROOT_PASSWORD ROOT_PASSWORD_HASH ROOT_HOST ALLOW_EMPTY_ROOT_PASSWORD RANDOM_ROOT_PASSWORD DATABASE USER PASSWORD
    PASSWORD_HASH INITDB_SKIP_TZINFO MYSQL_LOCALHOST_USER MYSQL_LOCALHOST_GRANTS HEALTHCHECK_GRANTS
)

log() { printf '%s [Entrypoint] %s\n' "$(date --iso-8601=seconds)" "$*"; }
fail() {
    log "ERROR: $*" >&2
    exit 1
}

# ---- Settings

# Root opens the files, which only root may be able to read; the user mysql reads them.
open_files() {
    local variable fd
    for variable in "${settings[@]/#/MARIADB_}" "${settings[@]/#/MYSQL_}"; do
        variable+=_FILE
        if [[ -n ${!variable} ]]; then
            exec {fd}<"${!variable}"
            export "$variable=&$fd"
        fi
    done
}

# read_setting NAME: sets MARIADB_NAME from MARIADB_NAME or MYSQL_NAME, or from the file that one of them with _FILE names.
read_setting() {
    local variable file value='' fd
    for variable in "MYSQL_$1" "MARIADB_$1"; do
        file=${variable}_FILE
        [[ -z ${!variable} || -z ${!file} ]] || fail "Both $variable and $file are set; give one of them."
        if [[ ${!file} == '&'* ]]; then
            fd=${!file#&}
            value=$(cat <&"$fd")
            exec {fd}<&-
        elif [[ -n ${!file} ]]; then
            value=$(<"${!file}")
        else
            value=${!variable:-$value}
        fi
        unset "$file"
    done
    printf -v "MARIADB_$1" %s "$value"
}

read_settings() {
    local name plain
    : "${MARIADB_ALLOW_EMPTY_ROOT_PASSWORD=$MYSQL_ALLOW_EMPTY_PASSWORD}"
    for name in "${settings[@]}"; do
        read_setting "$name"
    done
    plain=$MARIADB_ROOT_PASSWORD$MARIADB_ALLOW_EMPTY_ROOT_PASSWORD$MARIADB_RANDOM_ROOT_PASSWORD
    if [[ -z $plain$MARIADB_ROOT_PASSWORD_HASH ]]; then
        fail 'The data directory is empty, and nothing is said about the password of root. Give MARIADB_ROOT_PASSWORD,' \
            'MARIADB_ROOT_PASSWORD_HASH, MARIADB_ALLOW_EMPTY_ROOT_PASSWORD or MARIADB_RANDOM_ROOT_PASSWORD.'
    fi
    if [[ -n $plain && -n $MARIADB_ROOT_PASSWORD_HASH ]]; then
        fail 'MARIADB_ROOT_PASSWORD_HASH excludes the other ways to give the password of root.'
    fi
    if [[ -n $MARIADB_RANDOM_ROOT_PASSWORD ]]; then
        MARIADB_ROOT_PASSWORD=$(random_password)
        log "GENERATED ROOT PASSWORD: $MARIADB_ROOT_PASSWORD"
    fi
    MARIADB_ROOT_HOST=${MARIADB_ROOT_HOST:-%}
}

# value NAME: what the server takes as its setting NAME, from files, arguments or by default.
value() { awk -v name="$1" '/^[^ \t]/ && $1 == name { sub(/^[^ \t]+[ \t]+/, ""); print; exit }' <<<"$server_settings"; }

# ---- A temporary server without network and replication, and its client

start_server() {
    "$@" --socket="$socket" --skip-networking --wsrep-on=OFF --skip-slave-start --default-time-zone=SYSTEM \
        --expire-logs-days=0 --loose-innodb-buffer-pool-load-at-startup=0 &
    server=$!
    local tries
    for ((tries = 0; tries < 300; tries++)); do
        docker_process_sql --database=mysql --execute='DO 1' &>/dev/null && return
        kill -0 "$server" 2>/dev/null || break
        sleep 0.2
    done
    fail 'The temporary server did not start.'
}

stop_server() {
    kill "$server"
    wait "$server"
}

# docker_process_sql [ARGUMENTS]: the client as root; scripts in /docker-entrypoint-initdb.d use it as well.
docker_process_sql() {
    local password=${root_password//\\/\\\\}
    [[ $1 != --dont-use-mysql-root-password ]] || shift
    mariadb --defaults-extra-file=<(printf '[client]\npassword="%s"\n' "$password") --protocol=socket --socket="$socket" \
        --user=root --host=localhost ${MARIADB_DATABASE:+--database="$MARIADB_DATABASE"} --binary-mode "$@"
}

# ---- A new database

random_password() { head -c 24 /dev/urandom | base64 --wrap=0; }

quoted() {
    local text=${1//\\/\\\\}
    printf "'%s'" "${text//\'/\\\'}"
}

# create_user USER HOST PASSWORD [HASH]
create_user() {
    if [[ -n $4 ]]; then
        echo "CREATE USER '$1'@'$2' IDENTIFIED BY PASSWORD $(quoted "$4");"
    else
        echo "CREATE USER '$1'@'$2' IDENTIFIED BY $(quoted "$3");"
    fi
}

# The user of healthcheck.sh, whose password stands in the data directory.
healthcheck_sql() {
    local password host
    password=$(random_password)
    for host in 127.0.0.1 ::1 localhost; do
        echo "CREATE USER IF NOT EXISTS healthcheck@'$host';"
        echo "SET PASSWORD FOR healthcheck@'$host' = PASSWORD('$password');"
        echo "GRANT ${MARIADB_HEALTHCHECK_GRANTS:-USAGE} ON *.* TO healthcheck@'$host';"
    done
    (
        umask 0077
        printf '[mariadb-client]\nport=%s\nsocket=%s\nuser=healthcheck\npassword=%s\n' \
            "$(value port)" "$socket" "$password" >"$datadir/.my-healthcheck.cnf"
    )
}

initial_sql() {
    echo "SET SESSION sql_log_bin=0, sql_mode=REPLACE(@@sql_mode, 'NO_BACKSLASH_ESCAPES', '');"
    echo "DROP USER IF EXISTS root@'127.0.0.1', root@'::1';"
    healthcheck_sql
    if [[ -n $MARIADB_MYSQL_LOCALHOST_USER ]]; then
        echo 'CREATE USER mysql@localhost IDENTIFIED VIA unix_socket;'
        echo "GRANT ${MARIADB_MYSQL_LOCALHOST_GRANTS:-USAGE} ON *.* TO mysql@localhost;"
    fi
    if [[ $MARIADB_ROOT_HOST != localhost ]]; then
        create_user root "$MARIADB_ROOT_HOST" "$MARIADB_ROOT_PASSWORD" "$MARIADB_ROOT_PASSWORD_HASH"
        echo "GRANT ALL ON *.* TO root@'$MARIADB_ROOT_HOST' WITH GRANT OPTION;"
        echo "GRANT PROXY ON ''@'%' TO root@'$MARIADB_ROOT_HOST' WITH GRANT OPTION;"
    fi
    echo "SET PASSWORD FOR root@localhost = PASSWORD($(quoted "$MARIADB_ROOT_PASSWORD"));"
    echo 'SET SESSION sql_log_bin=DEFAULT;'
    [[ -z $MARIADB_DATABASE ]] || echo "CREATE DATABASE IF NOT EXISTS \`$MARIADB_DATABASE\`;"
    if [[ -n $MARIADB_USER && -n $MARIADB_PASSWORD$MARIADB_PASSWORD_HASH ]]; then
        create_user "$MARIADB_USER" % "$MARIADB_PASSWORD" "$MARIADB_PASSWORD_HASH"
        [[ -z $MARIADB_DATABASE ]] || echo "GRANT ALL ON \`${MARIADB_DATABASE//_/\\_}\`.* TO '$MARIADB_USER'@'%';"
    fi
}

run_init_files() {
    local file
    for file in /docker-entrypoint-initdb.d/*; do
        log "running $file"
        case $file in
            *.sh)
                if [[ -x $file ]]; then
                    (
                        export "${settings[@]/#/MARIADB_}"
                        "$file"
                    )
                else
                    # shellcheck disable=SC1090 # the user's own script
                    . "$file"
                fi
                ;;
            *.sql) docker_process_sql <"$file" ;;
            *.sql.gz) gzip -dc "$file" | docker_process_sql ;;
            *.sql.xz) xz -dc "$file" | docker_process_sql ;;
            *.sql.zst) zstd -dc "$file" | docker_process_sql ;;
            *) log "ignored: $file" ;;
        esac
    done
}

initialise() {
    local argument arguments=()
    read_settings
    for argument in "${@:2}"; do
        [[ $argument == *[[:space:]]* ]] || arguments+=("$argument")
    done
    log 'Making the database'
    mariadb-install-db --datadir="$datadir" --rpm --cross-bootstrap --auth-root-authentication-method=normal \
        --skip-test-db "${arguments[@]}" --skip-log-bin --expire-logs-days=0 --default-time-zone=SYSTEM --enforce-storage-engine= \
        --loose-innodb-buffer-pool-load-at-startup=0 --loose-innodb-buffer-pool-dump-at-shutdown=0
    start_server "$@" --loose-innodb-buffer-pool-dump-at-shutdown=0
    if [[ -z $MARIADB_INITDB_SKIP_TZINFO ]]; then
        mariadb-tzinfo-to-sql --skip-write-binlog /usr/share/zoneinfo | docker_process_sql --database=mysql
    fi
    initial_sql | docker_process_sql --database=mysql
    root_password=$MARIADB_ROOT_PASSWORD
    run_init_files
    if [[ -n $MARIADB_ROOT_PASSWORD_HASH ]]; then
        docker_process_sql <<<"SET SESSION sql_log_bin=0; SET PASSWORD FOR root@localhost = '$MARIADB_ROOT_PASSWORD_HASH';"
    fi
    stop_server
    log 'The database is made'
}

# ---- An old database

# Were the system tables last upgraded by an older release series?
upgrade_needed() {
    local file upgraded=0 version
    version=$(mariadbd --version | grep -oE '[0-9]+\.[0-9]+' | head -n 1)
    for file in "$datadir"/{mysql,mariadb}_upgrade_info; do
        [[ ! -r $file ]] || upgraded=$(grep -oE '^[0-9]+\.[0-9]+' "$file")
    done
    [[ $(printf '%s\n' "$version" "$upgraded" | sort -V | head -n 1) != "$version" ]]
}

upgrade() {
    local wanted='' info
    ! upgrade_needed || wanted=yes
    [[ -n $wanted || ! -e $datadir/.my-healthcheck.cnf ]] || return 0
    if [[ ${MARIADB_AUTO_UPGRADE:-0} == 0 ]]; then
        log 'System tables or the user of healthcheck.sh are to be upgraded; left alone without MARIADB_AUTO_UPGRADE'
        return
    fi
    if [[ ! -e $datadir/.my-healthcheck.cnf ]]; then
        start_server "$@" --skip-grant-tables
        { echo 'SET SESSION sql_log_bin=0; FLUSH PRIVILEGES;'; healthcheck_sql; } | docker_process_sql
        stop_server
    fi
    [[ -n $wanted ]] || return 0
    log 'Upgrading the system tables'
    start_server "$@" --skip-grant-tables
    if [[ $MARIADB_DISABLE_UPGRADE_BACKUP != 1 ]]; then
        info=$(cat "$datadir"/{mysql,mariadb}_upgrade_info 2>/dev/null | tr -d '\0' | tail -n 1) || true
        mariadb-dump --socket="$socket" --skip-lock-tables --replace --databases mysql |
            zstd --quiet --force -o "$datadir/system_mysql_backup_${info:-unknown_version}.sql.zst"
    fi
    mariadb-upgrade --socket="$socket" --upgrade-system-tables
    stop_server
}

# ---- Start

[[ $1 != -* ]] || set -- mariadbd "$@"
if [[ $1 == mariadbd || $1 == mysqld ]] && [[ ! " $* " =~ \ (--help|-\?|--version|-V|--print-defaults)\  ]]; then
    server_settings=$("$@" --verbose --help 2>/dev/null) ||
        fail "The server refuses its settings: $("$@" --verbose --help 2>&1 >/dev/null)"
    datadir=$(value datadir) socket=$(value socket)
    if ((EUID == 0)); then
        mkdir -p "$datadir"
        find "$datadir" "${socket%/*}" ! -user mysql -exec chown mysql:mysql {} +
        [[ -d $datadir/mysql ]] || open_files
        exec gosu mysql "${BASH_SOURCE[0]}" "$@"
    fi
    root_password=''
    if [[ -d $datadir/mysql ]]; then
        upgrade "$@"
    else
        initialise "$@"
    fi
    for name in "${settings[@]}"; do
        unset "MARIADB_$name" "MYSQL_$name" "MARIADB_${name}_FILE" "MYSQL_${name}_FILE"
    done
fi
exec "$@"
