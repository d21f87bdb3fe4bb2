"""Each part of the way from a client to the writer fails, under load. The gap is held against what has to notice it."""

from __future__ import annotations

import time

from .. import harm
from ..conftest import Lab, wait_until
from .conftest import PATIENCE, Front


def test_writer_killed(front: Front) -> None:
    target = 1.25 * (front.suspect + front.look)
    with front.witnessed("writer killed", target, "1.25 x (suspect timeout + check interval)") as ledger:
        harm.kill(front.lab, harm.writer(front.lab))
        ledger.wait_for()


def test_writer_frozen(front: Front) -> None:
    target = 1.2 * front.look_fall * (front.look + front.look_timeout)
    with front.witnessed("writer frozen", target, "1.2 x 3 x (check interval + time-out)") as ledger:
        with harm.frozen(front.lab, harm.writer(front.lab)):
            ledger.wait_for(2000)
        ledger.mark("writer thawed")


def test_proxy_killed(front: Front) -> None:
    target = 1.2 * front.refused + 0.5
    with front.witnessed("ProxySQL killed", target, "1.2 x (2 checks + skew + advert), 0.5 s to connect") as ledger:
        front.lab.quick(front.holder, harm.signalling("proxysql", "KILL"))
        ledger.wait_for()


def test_proxy_frozen(front: Front) -> None:
    holder = front.holder
    target = 1.2 * front.hanging + PATIENCE
    with front.witnessed(
        "ProxySQL frozen", target, "1.2 x (2 checks that hang + skew + advert) + a client's patience"
    ) as ledger:
        with harm.container_frozen(front.lab, holder, "proxysql"):
            wait_until(lambda: harm.vip_holders(front.lab) == [front.lab.proxies[1]], 15, "the VIP on the other host")
            ledger.wait_for(1000)
        ledger.mark("ProxySQL thawed")


def test_keepalived_killed(front: Front) -> None:
    """Its address stays behind until Docker has started it again, and the other host takes it meanwhile."""
    target = 1.2 * front.takeover + PATIENCE
    with front.witnessed("Keepalived killed", target, "1.2 x (3 adverts + skew) + a client's patience") as ledger:
        front.lab.quick(front.holder, harm.signalling("keepalived", "KILL"))
        ledger.wait_for(1000)


def test_vip_host_killed(front: Front) -> None:
    """The worst case: the host has the VIP, its proxy and the writer."""
    holder = front.holder
    assert harm.writer(front.lab) == holder
    target = 1.25 * (front.suspect + front.look) + PATIENCE
    with front.witnessed("VIP host killed", target, "1.25 x (suspect timeout + check) + a client's patience") as ledger:
        with harm.host_off(front.lab, holder):
            ledger.wait_for(1000)
        ledger.mark("host on")
        wait_until(lambda: front.lab.reaches(holder), 60, f"SSH on {holder}")


def test_vip_host_frozen(front: Front) -> None:
    holder = front.holder
    target = 1.2 * front.look_fall * (front.look + front.look_timeout) + PATIENCE
    with front.witnessed("VIP host frozen", target, "1.2 x 3 x (check + time-out) + a client's patience") as ledger:
        with harm.host_frozen(front.lab, holder):
            ledger.wait_for(1000)
        ledger.mark("host thawed")


def test_vip_host_cut_off(front: Front) -> None:
    holder = front.holder
    target = 1.2 * front.look_fall * (front.look + front.look_timeout) + PATIENCE
    with front.witnessed("VIP host unplugged", target, "1.2 x 3 x (check + time-out) + a client's patience") as ledger:
        with harm.unplugged(front.lab, holder):
            ledger.wait_for(1000)
        ledger.mark("plugged in")


def test_proxies_restarted_one_after_the_other(front: Front) -> None:
    target = 1.2 * front.refused + 0.5
    with front.witnessed("proxies restarted", target, "as killed, for each") as ledger:
        for proxy in reversed(front.lab.proxies):
            front.lab.quick(proxy, "docker restart proxysql")
            front.at_its_place()
            ledger.wait_for()


def checksums(lab: Lab, proxy: str) -> dict[str, str]:
    """What the proxies have to agree about."""
    names = "('mysql_query_rules', 'mysql_servers_v2', 'mysql_users', 'mysql_variables', 'proxysql_servers')"
    rows = harm.proxy_sql(lab, proxy, f"SELECT name, checksum FROM runtime_checksums_values WHERE name IN {names}")
    return {str(name): str(checksum) for name, checksum in rows}


def test_one_proxy_behind(front: Front) -> None:
    """A proxy is away while the other is changed. It catches up by itself, and then has the VIP's traffic."""
    away, there = front.lab.proxies[0], front.lab.proxies[1]
    assert checksums(front.lab, away) == checksums(front.lab, there)
    columns, values = "rule_id, active, match_digest, timeout, apply", "90, 1, '^SELECT SLEEP', 5000, 1"
    rule = f"INSERT INTO mysql_query_rules ({columns}) VALUES ({values})"
    target = 1.2 * front.refused + 0.5
    with front.witnessed("one proxy behind", target, "its stop, as killed") as ledger:
        front.lab.quick(away, "docker stop proxysql")
        ledger.wait_for()
        harm.proxy_do(front.lab, there, rule, "LOAD MYSQL QUERY RULES TO RUNTIME", "SAVE MYSQL QUERY RULES TO DISK")
        changed = checksums(front.lab, there)
        front.lab.quick(away, "docker start proxysql")
        begin = time.monotonic()
        front.at_its_place()
        wait_until(lambda: checksums(front.lab, away) == changed, 20, "the proxy that was away catches up")
        front.lab.say(f"{away} has caught up {time.monotonic() - begin:.1f} s after its start")
        on_disk = harm.proxy_sql(front.lab, away, "SELECT COUNT(*) FROM disk.mysql_query_rules WHERE rule_id = 90")
        assert on_disk == [["1"]]
        # And the other way round.
        harm.proxy_do(
            front.lab,
            away,
            "DELETE FROM mysql_query_rules WHERE rule_id = 90",
            "LOAD MYSQL QUERY RULES TO RUNTIME",
            "SAVE MYSQL QUERY RULES TO DISK",
        )
        wait_until(lambda: checksums(front.lab, away) == checksums(front.lab, there), 20, "both alike again")
    count = "SELECT COUNT(*) FROM runtime_mysql_query_rules WHERE rule_id = 90"
    assert harm.proxy_sql(front.lab, there, count) == [["0"]]
