# SPDX-License-Identifier: LGPL-3.0-or-later
"""Liposomes give the same answer on any number of ranks, also after being killed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.solve.liposomes import heated
from tests.solve.test_parallel import REPLAYED, end_of, kill, prepared, started, wait_for_step

pytestmark = pytest.mark.mpi

STEPS = [0.5, 1.0, 2.0, 4.0, 5.0, 7.5, *([5.0] * 20)]


def amounts(facts: dict[str, Any]) -> dict[str, float]:
    return dict(facts["carried_numbers"]["liposomes.liposomes_1"])


def test_replayed_liposomes_are_the_same_on_one_rank_and_on_two(tmp_path: Path) -> None:
    case = replace(heated(), numerics=REPLAYED)
    one, two = (end_of(prepared(tmp_path / f"{n}", case, STEPS), n) for n in (1, 2))
    assert two.facts["solver"]["ranks"] == 2
    assert amounts(one.facts)["tissue.cells"] > 0.0
    exact = {name: pytest.approx(value, rel=1e-6, abs=1e-18) for name, value in amounts(one.facts).items()}
    exact["book.largest_error"] = pytest.approx(0.0, abs=1e-11)
    assert amounts(two.facts) == exact
    np.testing.assert_allclose(two.fields["level/drug_exposure"], one.fields["level/drug_exposure"], rtol=1e-4)


def test_liposomes_killed_on_two_ranks_and_resumed_on_one_give_the_same(tmp_path: Path) -> None:
    case = replace(heated(), numerics=REPLAYED)
    whole = end_of(prepared(tmp_path / "whole", case, STEPS), 1)
    folder = prepared(tmp_path / "killed", case, STEPS)
    process = started(folder, 2, rest=0.1)
    wait_for_step(process, folder, 10)
    kill(process)
    resumed = end_of(folder, 1)
    assert 9 <= resumed.facts["resumed_at"] < len(STEPS)
    for name, amount in amounts(whole.facts).items():
        if name != "book.largest_error":
            assert amounts(resumed.facts)[name] == pytest.approx(amount, rel=1e-6, abs=1e-18), name
