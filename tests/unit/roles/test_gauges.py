"""A drill's limits, and the kernel's counters of what its containers use."""

from __future__ import annotations

import io
import time
from pathlib import Path

import pytest
from galera_backup import children, drill, gauges

MIB = 1 << 20


def test_limits_are_options_of_docker() -> None:
    limits = {"cpus": 1, "memory": "2g", "memory_reservation": "1g", "disk_read_mb": 1.5, "disk_write_iops": 7}
    assert drill.docker_limits({**limits, "disk_write_mb": 0, "disk_read_iops": 0, "open_files": 4096}, "/dev/sda") == {
        "ulimit": "nofile=4096:4096",
        "memory-swap": "2g",
        "memory-reservation": "1g",
        "device-read-bps": "/dev/sda:1572864",
        "device-write-iops": "/dev/sda:7",
    }


def test_counters_of_both_kinds_of_cgroups() -> None:
    old = {
        "memory.max_usage_in_bytes": "1000\n",
        "cpuacct.usage": "2500000000\n",
        "cpu.stat": "nr_periods 9\nnr_throttled 2\nthrottled_time 500000000\n",
        "blkio.throttle.io_service_bytes": "8:0 Read 9\n254:0 Read 11\n254:0 Write 22\n254:0 Total 33\nTotal 42\n",
        "blkio.throttle.io_serviced": "254:0 Read 1\n254:0 Write 2\n254:0 Total 3\nTotal 3\n",
    }
    new = {
        "memory.peak": "1000\n",
        "cpu.stat": "usage_usec 2500000\nuser_usec 1\nthrottled_usec 500000\n",
        "io.stat": "8:0 rbytes=9 wbytes=9 rios=9 wios=9 dbytes=0 dios=0\n"
        "254:0 rbytes=11 wbytes=22 rios=1 wios=2 dbytes=0 dios=0\n",
    }
    wanted = {
        "memory_max_bytes": 1000,
        "cpu_seconds": 2.5,
        "cpu_throttled_seconds": 0.5,
        "read_bytes": 11,
        "written_bytes": 22,
        "reads": 1,
        "writes": 2,
    }
    assert gauges.parse_v1(old, "254:0") == wanted
    assert gauges.parse_v2(new, "254:0") == wanted
    # What has not read from the disk yet has no line of it.
    nothing = dict.fromkeys(wanted, 0)
    assert gauges.parse_v1({}, "254:0") == nothing
    assert gauges.parse_v2({"io.stat": "254:0 \n"}, "254:0") == nothing


def test_where_the_counters_are() -> None:
    old = gauges.files(
        "5:memory:/docker/ab\n4:cpu,cpuacct:/docker/ab\n2:blkio:/docker/ab\n1:name=systemd:/x\n0::/docker/ab\n", "ab"
    )
    assert str(old["cpuacct.usage"]) == "/sys/fs/cgroup/cpuacct/docker/ab/cpuacct.usage"
    assert "io.stat" not in old
    new = gauges.files("0::/system.slice/docker-ab.scope\n", "ab")
    assert str(new["io.stat"]) == "/sys/fs/cgroup/system.slice/docker-ab.scope/io.stat"


@pytest.mark.parametrize(
    "membership",
    [
        "5:memory:/docker/cd\n4:cpu,cpuacct:/docker/cd\n",
        # It is ending.
        "5:memory:/docker/host\n4:cpu,cpuacct:/docker/host/docker/ab\n2:blkio:/docker/host/docker/ab\n",
        "0::/\n",
        "",
    ],
)
def test_other_counters_are_not_taken_for_a_containers(membership: str) -> None:
    assert gauges.files(membership, "ab") == {}


def test_a_rate_is_the_highest_of_two_seconds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [100.0]
    monkeypatch.setattr(gauges.time, "monotonic", lambda: clock[0])
    usage = tmp_path / "cpuacct.usage"
    gauge = gauges._Gauge("drill.shop-server", {"cpuacct.usage": usage}, "254:0")
    for seconds in (0, 0, 4, 4, 4, 4.5):
        usage.write_text(str(int(seconds * 1e9)))
        assert gauge.look()
        clock[0] += 1
    usage.unlink()
    assert not gauge.look()
    assert (gauge.seen["cpu_seconds_rate"], gauge.seen["cpu_seconds"], gauge.seen["seconds"]) == (2.0, 4.5, 5.0)


def test_a_path_has_a_disk_or_none(tmp_path: Path) -> None:
    numbers, node = gauges.whole_disk(tmp_path)
    assert (numbers == "") == (node == "")
    assert gauges.whole_disk(Path("/proc")) == ("", "")


def test_a_pipe_keeps_its_rate() -> None:
    copied = children.Copied(20 * MIB)
    begun = time.monotonic()
    copied.copy(io.BytesIO(bytes(10 * MIB)), io.BytesIO())
    assert 0.5 <= time.monotonic() - begun < 2
    assert (copied.size, copied.seconds >= 0.5) == (10 * MIB, True)
