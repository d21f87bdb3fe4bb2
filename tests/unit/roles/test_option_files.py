"""Option files with a name and a password in them: what the roles write is what MariaDB's programs read."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import jinja2
import pytest
from ansible_collections.dbops.galera.plugins.module_utils._model.spelling import (
    PASSWORD_BYTES,
    password_fault,
    user_fault,
)
from hypothesis import example, given
from hypothesis import strategies as st

ROLES = Path(__file__).resolve().parents[3] / "roles"
# Templates, with the group of each that has the monitoring user and its password.
FILES = [
    ("keepalived", "check.cnf.j2", "client"),
    ("keepalived", "branch.cnf.j2", "client"),
    ("proxysql", "checker.cnf.j2", "client_node"),
]
ESCAPES = {"b": "\b", "t": "\t", "n": "\n", "r": "\r", "s": " ", '"': '"', "'": "'", "\\": "\\"}
LINE = 4096


def written(role: str, template: str, user: str, password: str) -> str:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(ROLES / role / "templates"),
        trim_blocks=True,
        keep_trailing_newline=True,
        undefined=jinja2.StrictUndefined,
        autoescape=False,
    )
    # Ansible's own.
    environment.filters["ternary"] = lambda value, yes, no: yes if value else no
    return environment.get_template(template).render(
        ansible_managed="Ansible managed",
        galera_monitor_user=user,
        mariadb_monitor_password=password,
        proxysql_admin_user="operator",
        proxysql_admin_password="secret",
        proxysql_admin_port=6032,
        __proxysql_overlay=False,
        galera_proxies=[],
        galera_vip_port=3306,
        keepalived_check_timeout=2,
        __keepalived_node_query="SELECT 1",
        __keepalived_branch_query="SELECT 1",
    )


def uncommented(line: str) -> str:
    """A line without the comment behind it: a # outside of quotes. As mysys/my_default.c: remove_end_comment."""
    quote, escaped = "", False
    for at, character in enumerate(line):
        if character in "'\"" and not escaped:
            quote = "" if quote == character else quote or character
        if not quote and character == "#":
            return line[:at]
        escaped = bool(quote) and character == "\\" and not escaped
    return line


def unescaped(value: str) -> str:
    if len(value) > 1 and value[0] in "'\"" and value[0] == value[-1]:
        value = value[1:-1]
    # A backslash at the end, or in front of any other letter, is one.
    return re.sub(r"\\(.)", lambda found: ESCAPES.get(found[1], found[0]), value)


def read(text: str, group: str) -> dict[str, str]:
    """The options of a group, as MariaDB's programs read a file (mysys/my_default.c: search_default_file_with_ext)."""
    found, current = {}, ""
    for whole in text.split("\n"):
        assert len(whole.encode()) < LINE - 1
        line = whole.strip(" \t\r\f\v")
        if line.startswith("["):
            current = line.strip("[]")
        elif line and line[0] not in "#;" and current == group:
            name, _equals, value = uncommented(line).partition("=")
            found[name.strip()] = unescaped(value.strip(" \t\r\f\v"))
    return found


def asked(program: str) -> Callable[[str, str], dict[str, str]]:
    """The same by MariaDB's own program."""

    def ask(text: str, group: str) -> dict[str, str]:
        with tempfile.NamedTemporaryFile("w", suffix=".cnf", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            command = [program, f"--defaults-file={file.name}", group]
            told = subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout.decode("utf-8")
        options = (line[2:].partition("=") for line in told.splitlines())
        return {name: value for name, _equals, value in options}

    return ask


# From a package of MariaDB's client (Debian: mariadb-client-core).
PROGRAM = os.environ.get("MY_PRINT_DEFAULTS") or shutil.which("my_print_defaults")
READERS = [read, *([asked(PROGRAM)] if PROGRAM else [])]

text = st.text(st.characters(exclude_categories=("C", "Zl", "Zp")) | st.sampled_from("\"'\\#;%{}= $`*:/"), min_size=1)
passwords = text.filter(lambda password: not password_fault(password))
users = text.filter(lambda user: not user_fault(user))


@pytest.mark.parametrize(("role", "template", "group"), FILES, ids=lambda value: value if value.endswith("j2") else "")
@pytest.mark.parametrize("reader", READERS, ids=["model", "program"][: len(READERS)])
@given(user=users, password=passwords)
@example(user="monitor", password='a"b#c')
@example(user="monitor", password="a\\")
@example(user="monitor", password='\\"')
@example(user="monitor", password=" à")
@example(user="it's", password="'")
@example(user="a#b", password="\\n\\s#;")
@example(user="monitor", password='"' * PASSWORD_BYTES)
def test_a_file_tells_the_client_what_the_inventory_has(
    reader: Callable[[str, str], dict[str, str]], role: str, template: str, group: str, user: str, password: str
) -> None:
    found = reader(written(role, template, user, password), group)
    assert (found["user"], found["password"]) == (user, password)
