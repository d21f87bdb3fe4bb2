#!/usr/bin/env bash
# What an operator types today, host by host (REFERENCE: bootstrap, two joins, swap, users, VIP), with a wait for Synced after each.
set -euo pipefail
cd "$(dirname "$0")/../.."
root=.lab/test
vars=$root/inventory/group_vars/all
value() { sed -n "s/^$1: *\"\{0,1\}\([^\"]*\)\"\{0,1\}\$/\1/p" "$vars/$2.yml"; }
image=$(value mariadb_image lab)
keepalived=$(value keepalived_image lab)
vip=$(value galera_vip lab)
mapfile -t addresses < <(sed -n 's/.*ansible_host: //p' "$root/inventory/hosts.yml")
all=$(IFS=,; echo "${addresses[*]}")

on() { # on NUMBER: a shell on that host, fed by standard input
  ssh -q -i "$root/key" -o "UserKnownHostsFile=$root/known_hosts" -o ControlMaster=auto \
    -o "ControlPath=$root/by-hand-%h" -o ControlPersist=60 "root@${addresses[$1 - 1]}" bash -eus
}

configure() { # configure NUMBER
  on "$1" <<EOF
mkdir -p /containers/mariadb$1/datadir /containers/mariadb$1/conf.d
cat >/containers/mariadb$1/conf.d/galera.cnf <<CONF
[mariadbd]
bind_address=0.0.0.0
binlog_format=ROW
default_storage_engine=InnoDB
innodb_autoinc_lock_mode=2
innodb_flush_log_at_trx_commit=1
innodb_buffer_pool_size=307M
wsrep_on=ON
wsrep_provider=/usr/lib/galera/libgalera_smm.so
wsrep_cluster_name=galera
wsrep_node_address=${addresses[$1 - 1]}
wsrep_sst_method=mariabackup
wsrep_sst_auth=mysql:
wsrep_provider_options=gcache.size=64M
CONF
EOF
}

start() { # start NAME NUMBER ADDRESS: the container, then the wait for Synced
  on "$2" <<EOF
docker run -d --name $1 --network host --memory 537m -v /containers/mariadb$2/datadir:/var/lib/mysql \
  -v /containers/mariadb$2/conf.d:/etc/mysql/mariadb.conf.d -e MARIADB_ALLOW_EMPTY_ROOT_PASSWORD=1 -e MARIADB_ROOT_HOST=localhost \
  -e MARIADB_MYSQL_LOCALHOST_USER=1 -e MARIADB_MYSQL_LOCALHOST_GRANTS="RELOAD, PROCESS, LOCK TABLES, BINLOG MONITOR" \
  $image mariadbd --wsrep_cluster_address=gcomm://$3
until docker exec $1 mariadb -BNe "SHOW STATUS LIKE 'wsrep_local_state_comment'" 2>/dev/null | grep -q Synced; do sleep 0.5; done
EOF
}

for number in 1 2 3; do configure "$number"; done
start mariadb0 1 ""
start mariadb2 2 "$all"
start mariadb3 3 "$all"
on 1 <<<"docker stop -t 600 mariadb0 && docker rm mariadb0"
start mariadb1 1 "$all"

on 1 <<EOF
docker exec -i mariadb1 mariadb <<SQL
CREATE DATABASE application;
CREATE USER admin@'%' IDENTIFIED BY '$(value mariadb_admin_password secrets)';
GRANT ALL ON *.* TO admin@'%' WITH GRANT OPTION;
CREATE USER monitor@'%' IDENTIFIED BY '$(value mariadb_monitor_password secrets)';
CREATE USER application@'%' IDENTIFIED BY '$(value mariadb_application_password secrets)';
GRANT ALL ON application.* TO application@'%';
SQL
EOF

for number in 1 2; do
  on "$number" <<EOF
mkdir -p /containers/keepalived
cat >/containers/keepalived/keepalived.conf <<CONF
global_defs { router_id host$number }
vrrp_instance galera {
  state BACKUP
  interface eth0
  virtual_router_id 52
  priority $((102 - number))
  unicast_src_ip ${addresses[$number - 1]}
  unicast_peer { ${addresses[2 - number]} }
  virtual_ipaddress { $vip/25 }
}
CONF
docker run -d --name keepalived --network host --cap-add NET_ADMIN --cap-add NET_RAW \
  -v /containers/keepalived/keepalived.conf:/etc/keepalived/keepalived.conf:ro $keepalived
EOF
done
until timeout 1 bash -c "</dev/tcp/$vip/3306" 2>/dev/null; do sleep 0.5; done
