"""What speaks against restored data."""

from __future__ import annotations

from typing import Any

import pytest
from galera_backup import checks


def test_statements_end_at_semicolons_that_are_meant() -> None:
    sql = """-- Nobody is called ';'
SELECT COUNT(*) = 0 FROM a.`b;c` WHERE name = 'it''s; \\' ;' OR name = "x;";
# one more; and
/* another; */ SELECT 1--1
;
-- nothing after this;
"""
    assert [each.splitlines()[-1] for each in checks.statements(sql)] == [
        """SELECT COUNT(*) = 0 FROM a.`b;c` WHERE name = 'it''s; \\' ;' OR name = "x;\"""",
        "/* another; */ SELECT 1--1",
    ]
    assert checks.statements(" ;; -- nothing") == []
    assert checks.statements("SELECT 1") == ["SELECT 1"]


@pytest.mark.parametrize("rows", [[(1,)], [("1",)], [(True, "more")], [("true",)]])
def test_an_assertion_that_holds(rows: list[tuple[Any, ...]]) -> None:
    assert checks.asserted("SELECT 1", rows) == []


@pytest.mark.parametrize(
    ("rows", "said"),
    [([], "0 rows"), ([(1,), (1,)], "2 rows"), ([(0, "a")], "0, a"), ([(None,)], "None"), ([(2,)], "2")],
)
def test_an_assertion_that_does_not(rows: list[tuple[Any, ...]], said: str) -> None:
    assert checks.asserted("-- why\nSELECT  x", rows) == [
        f"The assertion does not hold: -- why SELECT x gave {said} instead of 1."
    ]
    assert "no such table" in checks.asserted("SELECT x", error="no such table")[0]


def test_what_mariadb_check_says() -> None:
    said = """app.orders                                         OK
app.my table                                       OK
app.torn
warning  : Table is marked as crashed
error    : Size of datafile is: 0       Should be: 20
error    : Corrupt
mysql.general_log
note     : The storage engine for the table doesn't support check
"""
    looked, errors, warnings = checks.checked(said)
    assert looked == 4
    assert errors == ["mariadb-check (error): app.torn: Size of datafile is: 0       Should be: 20; app.torn: Corrupt."]
    assert warnings == ["mariadb-check (warning): app.torn: Table is marked as crashed."]
    assert checks.checked("a.b  OK\n") == (1, [], [])


def test_what_differs_is_named_and_much_of_it_is_shortened() -> None:
    assert checks.differing("rows", {"a.b": 1, "a.c": 2}, {"a.b": 1, "a.c": 2, "a.new": 9}) == []
    assert checks.differing("rows", {"a.b": 1, "a.c": 2}, {"a.b": 3}) == [
        "Not what the manifest says: a.b has rows 3 instead of 1; a.c is missing."
    ]
    assert "; and 2 more." in checks.differing("rows", {f"a.{n}": 1 for n in range(7)}, {})[0]
