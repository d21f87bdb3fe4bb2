# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""mariadb_config and mariadb_provider_options: one form for what an operator writes in many, and what is refused. Pure.

What the operator writes wins over what the role writes, once, and each value is written so that the server reads just
that. Option files: https://mariadb.com/kb/en/configuring-mariadb-with-option-files/, mysys/my_default.c, my_getopt.c.
Provider options: https://galeracluster.com/library/documentation/galera-parameters.html.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

SERVER = "mariadbd"
# What a server of every series reads, and what of one series only: that comes last, since the special wins.
SERVER_SECTIONS = frozenset(["mysqld", "server", "mariadb", "mariadbd", "galera"])
SERIES_SECTION = re.compile(r"(?:mysqld|mariadb|mariadbd)-\d+\.\d+")
SHARED_SECTION = "client-server"
_SECTION = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]*")
_OPTION = re.compile(r"(?:[a-z][a-z0-9_]*\.[a-z0-9_]+|base_dir|base_host|base_port|debug|dbug)")
# my_default.c reads 4,095 bytes of a line; what is longer would go on as a setting of its own.
LINE_LENGTH = 4000

# A list is a line for each of its entries in REPEATED, and one value with commas in JOINED; others take no list.
REPEATED = frozenset(
    [
        "plugin_load_add",
        "ignore_db_dirs",
        "binlog_do_db",
        "binlog_ignore_db",
        "replicate_rewrite_db",
        "replicate_do_db",
        "replicate_ignore_db",
        "replicate_do_table",
        "replicate_ignore_table",
        "replicate_wild_do_table",
        "replicate_wild_ignore_table",
    ]
)
JOINED = frozenset(
    [
        "sql_mode",
        "old_mode",
        "optimizer_switch",
        "log_output",
        "tls_version",
        "ssl_cipher",
        "log_slow_filter",
        "log_slow_verbosity",
        "note_verbosity",
        "wsrep_mode",
        "slave_type_conversions",
        "slave_skip_errors",
        "session_track_system_variables",
        "log_disabled_statements",
        "log_slow_disabled_statements",
        "myisam_recover_options",
    ]
)

# These take a name, of which ON would be one: true is the setting alone, false is skip_ before it.
NAMED = frozenset(["log_bin", "log_error", "log_basename", "log_tc", "relay_log", "general_log_file"])

# Directories of a container that are the host's. All other files in it are lost when Docker re-creates it.
DATADIR = "/var/lib/mysql"
KEPT = (DATADIR, "/run/mysqld", "/var/run/mysqld")
# Besides those a server can write here.
WRITABLE = ("/tmp", "/dev/shm")
# Of those, and of what else the role has in the container, nothing can be another volume.
TAKEN = (*KEPT, "/var/lib/galera-node", "/etc/mysql", "/usr", "/bin", "/lib", "/trial", "/docker-entrypoint-initdb.d")
_VOLUME = re.compile(r"/[^:\s]*:/[^:\s]+(?::(?:ro|rw))?")
# Settings that say where a server writes what has to outlive the container.
PLACES = frozenset(
    [
        "innodb_log_group_home_dir",
        "innodb_data_home_dir",
        "innodb_undo_directory",
        "innodb_data_file_path",
        "innodb_buffer_pool_filename",
        "aria_log_dir_path",
        "rocksdb_datadir",
        "rocksdb_wal_dir",
        "log_bin",
        "log_bin_index",
        "log_basename",
        "log_tc",
        "relay_log",
        "relay_log_index",
        "relay_log_info_file",
        "master_info_file",
        "general_log_file",
        "slow_query_log_file",
        "log_slow_query_file",
        "log_error",
    ]
)

# What a datadir is made with. Another value is a server that does not start, or one that starts with other data.
FIXED = (
    "innodb_page_size",
    "lower_case_table_names",
    "innodb_data_file_path",
    "innodb_data_home_dir",
    "innodb_undo_tablespaces",
    "innodb_undo_directory",
    "innodb_log_group_home_dir",
    "aria_log_dir_path",
)
# Of those what all nodes of a cluster have to have alike, and the server's defaults.
SAME = {
    "innodb_page_size": "16384",
    "lower_case_table_names": "0",
    "innodb_data_file_path": "ibdata1:12M:autoextend",
}
# Lists of directories, with colons between them.
_TEMPORARY = ("tmpdir", "slave_load_tmpdir", "innodb_tmpdir")
# Settings that say where data are.
_DATA = (
    "innodb_data_home_dir",
    "innodb_data_file_path",
    "innodb_undo_directory",
    "innodb_log_group_home_dir",
    "aria_log_dir_path",
    "rocksdb_datadir",
    "rocksdb_wal_dir",
)
_DIRECTORIES = ("innodb_data_home_dir", "innodb_undo_directory", "innodb_log_group_home_dir", "aria_log_dir_path")

OFF = ("0", "off", "false", "no")
# What the provider takes for false: galerautils/src/gu_utils.c, gu_str2bool.
FALSE = (*OFF, "n", "f", "nope", "none")


def _named(*values: str) -> Callable[[str], bool]:
    return lambda value: value.lower() in values


def _not(*values: str) -> Callable[[str], bool]:
    return lambda value: value.lower() not in values


def _any(_value: str) -> bool:
    return True


def _is_loopback(value: str) -> bool:
    return all(each.strip().startswith("127.") or each.strip() in ("localhost", "::1") for each in value.split(","))


@dataclass(frozen=True)
class Refused:
    """A row: which values of a setting are refused, and why; binlog where only with binary logs by mariadb_binlog."""

    name: str
    why: str
    values: Callable[[str], bool] = _any
    binlog: bool = False


_CLIENTS = "it would cut off the checks, ProxySQL and Keepalived"
_LOGGED = "it has to be on with mariadb_binlog; else the archive lacks what other nodes write"
REFUSED = (
    Refused("datadir", "this collection sets it; the host's directory is mariadb_datadir"),
    Refused("socket", "this collection sets it; checks, backups and the clients in the container use it"),
    Refused("port", "this collection sets it; set galera_port"),
    Refused("user", "this collection sets it; set mariadb_uid"),
    Refused("pid_file", "this collection sets it"),
    Refused("bind_address", _CLIENTS, _is_loopback),
    Refused("wsrep_on", "this collection sets it; without it a server writes what no other node gets"),
    Refused("wsrep_provider", "this collection sets it; set mariadb_provider"),
    Refused("wsrep_provider_options", "this collection sets it; set mariadb_provider_options"),
    Refused("wsrep_cluster_address", "this collection sets it; it is made of the hosts of the group galera"),
    Refused("wsrep_cluster_name", "this collection sets it; it is galera_cluster_name with the branch"),
    Refused("wsrep_node_name", "this collection sets it; set galera_node_name"),
    Refused("wsrep_node_address", "this collection sets it; set galera_address"),
    Refused("wsrep_node_incoming_address", "this collection sets it; set galera_address"),
    Refused("wsrep_sst_receive_address", "this collection sets it; set galera_address"),
    Refused(
        "wsrep_sst_method",
        "this collection sets it; the marks of an SST and its repair are mariabackup's",
        _not("mariabackup"),
    ),
    Refused("wsrep_notify_cmd", "this collection sets it; by it a node writes down its last view"),
    Refused(
        "wsrep_allowlist",
        "this collection sets it; set galera_allowlist, and galera_allowlist_more for further addresses",
    ),
    Refused("wsrep_data_home_dir", "this collection sets it; the node's state is read in the datadir"),
    Refused("wsrep_new_cluster", "it would bootstrap a second cluster; site, start and recover bootstrap"),
    Refused("wsrep_start_position", "it is a node's position, and no setting"),
    Refused("wsrep_recover", "the server would end instead of serving"),
    Refused("wsrep_osu_method", "tables would be changed on one node only; set RSU for a session", _named("rsu", "1")),
    Refused("binlog_format", "this collection sets it; Galera replicates rows", _not("row", "2")),
    Refused("innodb_autoinc_lock_mode", "this collection sets it; Galera needs 2", _not("2")),
    Refused("default_storage_engine", "this collection sets it; Galera replicates InnoDB", _not("innodb")),
    Refused(
        "innodb_force_recovery",
        "it is for a rescue by hand; repair_node or restore brings a node's data back",
        _not("0"),
    ),
    Refused("innodb_read_only", "the node could not apply the writes of the others", _not(*OFF)),
    Refused("innodb", "Galera replicates only InnoDB's tables", _named(*OFF)),
    Refused("networking", _CLIENTS, _named(*OFF)),
    Refused("unix_socket", "the checks, backups and SSTs log in with it", _named(*OFF)),
    Refused("grant_tables", "everybody could do everything", _named(*OFF)),
    Refused("bootstrap", "the server would end instead of serving", _not(*OFF)),
    Refused("require_secure_transport", f"{_CLIENTS}, which use no TLS", _not(*OFF)),
    Refused("binlog_storage_engine", "Galera does not work with it", _named("innodb")),
    Refused("log_bin", "this collection sets it with mariadb_binlog", binlog=True),
    Refused("log_slave_updates", _LOGGED, _named(*OFF), binlog=True),
    Refused("log_replica_updates", _LOGGED, _named(*OFF), binlog=True),
    Refused("server_id", "this collection sets it with mariadb_binlog; all nodes have one", binlog=True),
    Refused("gtid_domain_id", "this collection sets it with mariadb_binlog; each node has one of its own", binlog=True),
    Refused("wsrep_gtid_domain_id", "this collection sets it with mariadb_binlog", binlog=True),
    Refused("wsrep_gtid_mode", "this collection sets it with mariadb_binlog", binlog=True),
    Refused("binlog_expire_logs_seconds", "this collection sets it; set mariadb_binlog_keep_hours", binlog=True),
    Refused("expire_logs_days", "this collection sets it; set mariadb_binlog_keep_hours", binlog=True),
)
REFUSED_OPTIONS = (
    Refused("pc.ignore_sb", "both halves of a split would write", _not(*FALSE)),
    Refused("pc.ignore_quorum", "a minority would write", _not(*FALSE)),
    Refused("pc.bootstrap", "it would bootstrap a second cluster; site, start and recover bootstrap"),
    Refused("pc.recovery", "it has to be on; by it nodes that all crashed come back by themselves", _named(*FALSE)),
    Refused("gcache.recover", "it has to be on; without it a node that crashed gets all data by SST", _named(*FALSE)),
    Refused("gcache.dir", "this collection sets it; the write-set cache is in the datadir"),
    Refused("gcache.name", "this collection sets it; the write-set cache is in the datadir"),
    Refused("base_dir", "this collection sets it"),
    Refused("base_host", "this collection sets it; set galera_address"),
    Refused("base_port", "this collection sets it; set galera_replication_port"),
    Refused("gmcast.group", "this collection sets it; it is galera_cluster_name with the branch"),
    Refused("gmcast.listen_addr", "this collection sets it; set galera_replication_port"),
    Refused("gmcast.isolate", "it takes the node out of the cluster", _not(*FALSE)),
    Refused("ist.recv_addr", "this collection sets it; set galera_ist_port"),
)
# Values that are safe, and what happens with others.
RISKY = {
    "innodb_flush_log_at_trx_commit": (
        ("1", "3"),
        "when all nodes lose power, the last second of transactions is lost",
    ),
    "sync_binlog": (("1",), "a host that loses power loses the last events of its binary log"),
}


@dataclass(frozen=True)
class Asked:
    """What an operator wrote: mariadb_config, mariadb_provider_options, mariadb_binlog and mariadb_volumes.

    unreadable are names of those that Ansible cannot render.
    """

    config: Any
    options: Any
    binlog: bool = False
    volumes: Any = ()
    unreadable: tuple[str, ...] = ()


# Names that only begin like a prefix.
_WHOLE = frozenset(["skip_name_resolve", "skip_show_database", "skip_replication", "skip_parallel_replication"])
_ESCAPES = (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n"), ("\r", "\\r"), ("\t", "\\t"), ("\b", "\\b"))
_BARE = re.compile(r"[^\s#'\"\\;](?:[^\n\r\t\b#'\"\\]*[^\s#'\"\\])?|")


def meant(name: object, value: object = None) -> tuple[str, str]:
    """Which setting of the server a name stands for, and what it is set to: loose_x is x, and skip_x is x off."""
    rest, said = str(name).strip().lower().replace("-", "_"), _unquoted(plain(value))
    prefix, _under, after = rest.partition("_")
    if prefix in ("loose", "enable") and after:
        return meant(after, value)
    if prefix in ("skip", "disable") and after and rest not in _WHOLE:
        return meant(after)[0], "ON" if said.lower() in OFF else "OFF"
    return rest, said


def _unquoted(said: str) -> str:
    return said[1:-1] if _is_quoted(said) else said


def _is_quoted(said: str) -> bool:
    return len(said) > 1 and said[0] in "'\"" and said[-1] == said[0]


def plain(value: object) -> str:
    """A YAML value as text: booleans are ON and OFF, null is nothing, a list has commas, the end of a block is cut."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "ON" if value else "OFF"
    if isinstance(value, (list, tuple)):
        return ",".join(plain(each) for each in value)
    return str(value).rstrip("\n")


def line(name: str, value: object) -> str:
    """A setting as a line of an option file, from which the server reads just this value.

    Null is a name alone, as in skip_log_error. A value that stands in quotes as a whole is written as it is.
    """
    if value is None or (isinstance(value, bool) and meant(name)[0] in NAMED):
        return name if value in (None, True) else f"skip_{name}"
    said = plain(value)
    if not (_is_quoted(said) and said.isprintable()) and not _BARE.fullmatch(said):
        for sign, written in _ESCAPES:
            said = said.replace(sign, written)
        said = f'"{said}"'
    return f"{name} = {said}".rstrip()


def merged(own: Mapping[str, Mapping[str, Any]], config: Mapping[str, Any]) -> dict[str, dict[str, list[str]]]:
    """Section -> setting -> its lines: what the role writes, and in the place of its equal what the operator does.

    Where the server takes a setting many times, the operator's come after the role's.
    """
    result: dict[str, dict[str, list[str]]] = {}
    set_by_operator = {meaning for _section, _name, _value, meaning, _said in _server(config)}
    if "collation_server" in set_by_operator:
        set_by_operator.add("character_set_server")
    # The server reads the section of its series last; there the role must not win either.
    own = {
        section: settings
        if not SERIES_SECTION.fullmatch(section)
        else {name: value for name, value in settings.items() if meant(name)[0] not in set_by_operator}
        for section, settings in own.items()
    }
    for settings_of in (own, config):
        for section, settings in settings_of.items():
            there = result.setdefault(section_of(section), {})
            for name, value in settings.items():
                setting = meant(name)[0]
                equals = [each for each in there if meant(each)[0] == setting]
                before = [each for equal in equals for each in there.pop(equal)]
                kept = before if setting in REPEATED else []
                written = _lines(setting if kept else str(name), value)
                there[str(name)] = kept + [each for each in written if each not in kept]
    return {section: dict(sorted(result[section].items())) for section in sorted(result, key=_order)}


def text(sections: Mapping[str, Mapping[str, Sequence[str]]]) -> str:
    """Sections as an option file."""
    blocks = (
        [f"[{name}]", *(each for lines in settings.values() for each in lines)] for name, settings in sections.items()
    )
    return "\n\n".join("\n".join(block) for block in blocks) + "\n"


def targets(volumes: Any) -> tuple[str, ...]:
    """Paths in the container of volumes like /disk/redo:/var/lib/redo."""
    return tuple(source_and_target(str(volume))[1] for volume in volumes or () if str(volume).count(":") in (1, 2))


def source_and_target(volume: str) -> tuple[str, str]:
    """The host's directory, and where it is in the container, of a volume like /disk/redo:/var/lib/redo:ro."""
    source, target = volume.split(":")[:2]
    return source, posixpath.normpath(target)


def read_only(volume: str) -> bool:
    """Whether the container cannot write to a volume."""
    return "ro" in volume.split(":")[2:3]


def provider_options(*sources: Mapping[str, Any]) -> dict[str, str]:
    """Options of the provider by name; of one that several sources have, the last counts. Times get their unit."""
    return {
        str(name).strip().lower(): option(str(name).strip().lower(), value)
        for source in sources
        for name, value in source.items()
    }


def option(name: str, value: object) -> str:
    """A provider's option as it reads it: yes and no for booleans, and PT5S for five seconds."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    said = plain(value).strip()
    if _PERIOD.search(name) and (seconds := _SECONDS.fullmatch(said)):
        return f"PT{seconds[1]}S"
    return said


_PERIOD = re.compile(r"_(?:timeout|period)$|^gmcast\.time_wait$|^pc\.linger$")
_SECONDS = re.compile(r"(\d+(?:\.\d+)?)\s*[sS]?")
_ISO = re.compile(r"P(?=.)(?:\d+Y)?(?:\d+M)?(?:\d+D)?(?:T(?:\d+H)?(?:\d+M)?(?:\d+(?:\.\d+)?S)?)?")


def section_of(section: object) -> str:
    """The section that a setting is written to: the server's many are one."""
    name = str(section).strip().lower()
    if name in SERVER_SECTIONS:
        return SERVER
    return name if name == SHARED_SECTION or SERIES_SECTION.fullmatch(name) else str(section).strip()


def wrong(asked: Asked) -> list[str]:
    """A sentence for each thing that is refused; each names the variable, and says what to do."""
    unreadable = [
        f"{name} cannot be read: Ansible fails to render it. Look at what it refers to." for name in asked.unreadable
    ]
    return [*unreadable, *_wrong_config(asked), *_wrong_options(asked.options), *_wrong_volumes(asked.volumes)]


def comparable(name: str, value: object) -> str:
    """A value of a setting in FIXED in one form, as the server and its help tell it in several."""
    said = "" if value is None or str(value) == "(No default value)" else str(value).strip()
    if size := re.fullmatch(r"(\d+)[kK]", said):
        return str(int(size[1]) * 1024)
    return posixpath.normpath(posixpath.join(DATADIR, said)) if name in _DIRECTORIES else said.lower()


def directories(settings: Mapping[str, str]) -> dict[str, list[str]]:
    """The directories in the container that must be there for settings of the server, by setting."""
    found: dict[str, list[str]] = {}
    for setting, said in settings.items():
        if said and (setting in PLACES or setting in _TEMPORARY):
            places = (
                [place for part in said.split(":") for place in _places(setting, part)] if setting in _TEMPORARY else []
            )
            places = places or _places(setting, said)
            whole = setting in _TEMPORARY or setting in _DIRECTORIES or setting.startswith("rocksdb_")
            found[setting] = [place if whole else posixpath.dirname(place) for place in places]
    return found


def risky(asked: Asked) -> list[str]:
    """A sentence for each setting that is allowed and costs safety."""
    return [
        f"mariadb_config: {name} is {said}: {RISKY[setting][1]}. Set 1 to avoid that."
        for _section, name, _value, setting, said in _server(asked.config)
        if setting in RISKY and said not in RISKY[setting][0]
    ]


def setting(config: Any, name: str, default: object) -> object:
    """What mariadb_config sets a variable of the server to, in any spelling; the default where it does not."""
    found = [said for _section, _name, _value, meaning, said in _server(config) if meaning == name]
    return found[-1] if found else default


def outside_datadir(asked: Asked) -> list[str]:
    """Settings by which a part of the data is in another directory than the rest."""
    found = [
        meaning
        for _section, _name, _value, meaning, said in _server(asked.config)
        if meaning in _DATA and any(not _is_below(place, [DATADIR]) for place in _places(meaning, said))
    ]
    return sorted(set(found))


_LIKE = "write it like {mariadbd: {max_connections: 1000}}"


def _lines(name: str, value: object) -> list[str]:
    if isinstance(value, (list, tuple)) and meant(name)[0] in REPEATED:
        return [line(name, each) for each in value]
    return [line(name, value)]


def _order(section: str) -> tuple[int, str]:
    if section == SERVER:
        return 0, ""
    return (1 if section == SHARED_SECTION else 2 if SERIES_SECTION.fullmatch(section) else 3), section


Setting = tuple[str, str, object, str, str]


def _server(config: Any) -> Iterator[Setting]:
    """Section and name as written, value, and what they mean, of the settings that a server reads."""
    for section, settings in config.items() if isinstance(config, Mapping) else ():
        name = section_of(section)
        if isinstance(settings, Mapping) and (name in (SERVER, SHARED_SECTION) or SERIES_SECTION.fullmatch(name)):
            for key, value in settings.items():
                yield (str(section), str(key), value, *meant(key, value))


def _wrong_config(asked: Asked) -> Iterator[str]:
    if not isinstance(asked.config, Mapping) or not all(isinstance(each, Mapping) for each in asked.config.values()):
        yield f"mariadb_config is not a mapping of sections to settings; {_LIKE}."
        return
    for section, settings in asked.config.items():
        if not _SECTION.fullmatch(str(section)):
            yield f"mariadb_config: {section!r} is not a valid name of a section, such as mariadbd, client or sst."
        for name, value in settings.items():
            yield from _wrong_value(str(section), str(name), value)
    yield from _doubles(asked.config)
    for _section, name, value, setting, said in _server(asked.config):
        for row in REFUSED:
            if _stands_for(setting, row.name) and (asked.binlog or not row.binlog) and row.values(said):
                yield f"mariadb_config: {_shown(name, value)} is refused: {row.why}."
        if any(_stands_for(setting, place) for place in PLACES):
            yield from _wrong_place(name, setting, said, (*KEPT, *targets(asked.volumes)))
        if setting in _TEMPORARY:
            yield from _wrong_temporary(name, said, (*KEPT, *WRITABLE, *targets(asked.volumes)))


def _wrong_value(section: str, name: str, value: object) -> Iterator[str]:
    if not _NAME.fullmatch(name):
        yield f"mariadb_config: {name!r} in {section} is not a valid name of a setting; {_LIKE}."
    elif isinstance(value, Mapping):
        yield f"mariadb_config: {name} in {section} is a mapping; write the value as text."
    elif isinstance(value, (list, tuple)) and meant(name)[0] not in REPEATED | JOINED:
        yield f"mariadb_config: {name} in {section} is a list, and the server takes one value; write it as text."
    elif "\0" in plain(value):
        yield f"mariadb_config: {name} in {section} has a NUL byte; leave it out."
    elif max(len(each.encode()) for each in _lines(name, value) or [""]) > LINE_LENGTH:
        yield f"mariadb_config: {name} in {section} has over {LINE_LENGTH} bytes, which the server does not read whole."


def _doubles(config: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Two spellings of one setting that say different things; in a section of one series they may."""
    seen: dict[tuple[str, str], tuple[str, str, object]] = {}
    for section, name, value, setting, said in _server(config):
        where = section_of(section)
        key = (where if SERIES_SECTION.fullmatch(where) else SERVER, setting)
        other_section, other_name, other_value = seen.setdefault(key, (section, name, value))
        if meant(other_name, other_value)[1] != said:
            yield (
                f"mariadb_config: {name} in {section} and {other_name} in {other_section} are one setting, and differ; "
                "leave one out."
            )


def _stands_for(setting: str, name: str) -> bool:
    """Whether a setting is the named one, or the beginning of its name, which the server takes for the whole."""
    return setting == name or (setting not in _NAMES and name.startswith(setting))


_NAMES = frozenset([*(row.name for row in REFUSED), *PLACES])


def _is_below(path: str, directories: Sequence[str]) -> bool:
    return any(path == each or path.startswith(f"{each}/") for each in directories)


def _places(setting: str, said: str) -> list[str]:
    """The paths in the container that a setting names."""
    parts = said.split(";") if setting == "innodb_data_file_path" else [said]
    paths = [part.split(":")[0] if setting == "innodb_data_file_path" else part for part in parts]
    return [posixpath.normpath(posixpath.join(DATADIR, path)) for path in paths]


def _wrong_place(name: str, setting: str, said: str, kept: Sequence[str]) -> Iterator[str]:
    # A log may go to the container's own, which Docker keeps.
    places = [place for place in _places(setting, said) if setting in _DATA or not _is_below(place, ["/dev", "/proc"])]
    if not all(_is_below(place, kept) for place in places):
        yield (
            f"mariadb_config: {name} is {said}, which is inside the container and goes with it; choose a place below "
            f"{DATADIR}, or mount a directory of the host there with mariadb_volumes."
        )


def _wrong_temporary(name: str, said: str, writable: Sequence[str]) -> Iterator[str]:
    places = [place for part in said.split(":") if part for place in _places(name, part)]
    if not all(_is_below(place, writable) for place in places):
        yield (
            f"mariadb_config: {name} is {said}, which is on the container's own file system; choose a place below "
            "/tmp, or mount a directory of the host there with mariadb_volumes."
        )


def _wrong_volumes(volumes: Any) -> Iterator[str]:
    if not isinstance(volumes, (list, tuple)):
        yield "mariadb_volumes is not a list; write it like [/disk/redo:/var/lib/redo]."
        return
    passed: set[str] = set()
    for volume in volumes:
        if not _VOLUME.fullmatch(str(volume)):
            yield (
                f"mariadb_volumes: {volume!r} is not a directory of the host, a colon and an absolute path in the "
                "container, with or without :ro at the end; write it like /disk/redo:/var/lib/redo."
            )
            continue
        target = source_and_target(str(volume))[1]
        if target in passed:
            yield f"mariadb_volumes has {target} twice; leave one out."
        elif _is_below(target, TAKEN) or any(_is_below(each, [target]) for each in TAKEN):
            yield f"mariadb_volumes: {target} is in the way of the node's own directories; choose another path."
        passed.add(target)


def _wrong_options(options: Any) -> Iterator[str]:
    if not isinstance(options, Mapping):
        yield "mariadb_provider_options is not a mapping of options to values; write it like {gcache.size: 2G}."
        return
    seen: dict[str, str] = {}
    for key, value in options.items():
        name = str(key).strip().lower()
        if not _OPTION.fullmatch(name):
            yield f"mariadb_provider_options: {key!r} is not a valid name of an option; write it like gcache.size."
        elif value is None or isinstance(value, (list, tuple, Mapping)) or not plain(value).strip():
            yield f"mariadb_provider_options: {name} has no single value; give it one, or leave it out."
        else:
            said = option(name, value)
            if seen.setdefault(name, said) != said:
                yield f"mariadb_provider_options: {name} is there twice, and differs; leave one out."
            yield from _wrong_option(name, said)


def _wrong_option(name: str, said: str) -> Iterator[str]:
    if re.search(r"[;=\n\r\"']", said):
        yield f"mariadb_provider_options: {name} is {said!r}; write one value, without ; = and quotes."
    elif _PERIOD.search(name) and not _ISO.fullmatch(said):
        yield f"mariadb_provider_options: {name} is {said}; write a time like PT15S, or the number of seconds."
    elif name.endswith("size") and not re.fullmatch(r"auto|\d+[kKmMgGtT]?", said):
        yield f"mariadb_provider_options: {name} is {said}; write a size like 2G."
    for row in REFUSED_OPTIONS:
        if row.name == name and row.values(said):
            yield f"mariadb_provider_options: {name}={said} is refused: {row.why}."


def _shown(name: str, value: object) -> str:
    return name if value is None else f"{name}={plain(value)}"
