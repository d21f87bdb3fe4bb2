"""The decision that a node takes before its server runs."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.dbops.galera.plugins.module_utils._model import start
from ansible_collections.dbops.galera.plugins.module_utils._model.start import Facts, Start, decide
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.start_cases import CASES


@pytest.mark.parametrize(("facts", "action", "reason", "fence"), CASES.values(), ids=CASES)
def test_what_a_node_does(facts: dict[str, Any], action: str, reason: str, fence: bool) -> None:
    found = decide(Facts(**facts))
    assert (found.action, found.fence) == (action, fence)
    assert reason in found.reason
    assert bool(found.reason) == (action != start.START)


everything = st.builds(
    Facts,
    bootstrap=st.booleans(),
    datadir=st.sampled_from(start.DATADIRS),
    disowned=st.booleans(),
    undefined=st.booleans(),
    had_data=st.booleans(),
    fenced=st.booleans(),
    misfit=st.booleans(),
    view=st.integers(0, 5),
    members=st.integers(0, 5),
    answers=st.lists(st.sampled_from(start.ANSWERS), max_size=4).map(tuple),
)


def promotes(facts: Facts, found: Start) -> bool:
    """Whether the node may become Primary without anybody who is."""
    return found.action == start.START_ALONE or (found.action == start.START and facts.view > 0 and not facts.bootstrap)


@given(everything)
def test_nothing_starts_beside_another_branch(facts: Facts) -> None:
    found = decide(facts)
    if "other" in facts.answers or facts.fenced:
        assert found.action == start.REFUSE
    if found.fence:
        assert "other" in facts.answers


@given(everything)
def test_a_minority_is_promoted_only_when_all_were_heard(facts: Facts) -> None:
    members = facts.members or 1 + len(facts.answers)
    found = decide(facts)
    if promotes(facts, found) and members > 1 and 2 * facts.view <= members:
        assert set(facts.answers) == {"same"}
        assert 2 * (1 + len(facts.answers)) > members


@given(everything)
def test_a_position_that_is_not_certain_promotes_nobody_but_the_only_one(facts: Facts) -> None:
    found = decide(facts)
    if facts.undefined and promotes(facts, found):
        assert (facts.members or 1 + len(facts.answers)) == 1


@given(everything)
def test_only_a_branch_of_one_bootstraps_itself(facts: Facts) -> None:
    if decide(facts).action == start.START_ALONE:
        assert (facts.members or 1 + len(facts.answers)) == 1
        assert facts.datadir == "data"
        assert "same" not in facts.answers


@given(everything)
def test_no_datadir_is_filled_that_should_be_full(facts: Facts) -> None:
    found = decide(facts)
    if (facts.datadir == "emptied" and facts.had_data) or facts.datadir == "ibdata_only" or facts.disowned:
        assert found.action == start.REFUSE


@given(everything)
def test_every_refusal_is_a_sentence_that_names_a_way_out(facts: Facts) -> None:
    found = decide(facts)
    if found.action == start.REFUSE:
        assert found.reason.endswith(".")
        assert "repair_node" in found.reason or "recover" in found.reason
