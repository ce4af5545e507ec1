# SPDX-License-Identifier: LGPL-3.0-or-later
"""Interstitial flow, transport and a drug are the same on any number of ranks, also after being killed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from imagio_sim.solve.case import ThermalCase
from tests.solve.drugs import HOUR, drugged, middles, organ
from tests.solve.test_parallel import End, end_of, kill, prepared, started, wait_for_step

pytestmark = pytest.mark.mpi

STEPS = [60.0, 240.0, 600.0, 900.0, 1800.0, *([3600.0] * 6)]
DRUG = "drug.doxorubicin"


def half_an_organ() -> ThermalCase:
    """Tumour that leaks into half of a cube, so that its fluid flows, with beads in a corner."""

    def inside(domain: object) -> object:
        return organ(domain, "hcc", (middles(domain)[:, 0] < 12.0).astype(float))  # type: ignore[arg-type]

    return drugged(7.0 * HOUR, tissue=inside)


def agree(one: End, other: End) -> None:
    first, second = one.facts["sources"][DRUG], other.facts["sources"][DRUG]
    for name, amount in second["balance_mol"].items():
        assert first["balance_mol"][name] == pytest.approx(amount, rel=1e-6)
    assert first["largest_balance_error"] < 1e-6
    assert first["interstitial_pressure_highest_Pa"] == pytest.approx(second["interstitial_pressure_highest_Pa"])
    for model in ("drug_exposure", "drug_cell_content"):
        np.testing.assert_allclose(one.fields[f"level/{model}"], other.fields[f"level/{model}"], atol=1e-5)


def test_a_drug_is_the_same_on_one_rank_and_on_three(tmp_path: Path) -> None:
    one, three = (end_of(prepared(tmp_path / f"{n}", half_an_organ(), STEPS), n) for n in (1, 3))
    assert three.facts["solver"]["ranks"] == 3
    assert one.facts["sources"][DRUG]["balance_mol"]["cells"] > 0.0
    agree(three, one)


def test_a_drug_killed_on_two_ranks_and_resumed_on_one_is_the_same(tmp_path: Path) -> None:
    whole = end_of(prepared(tmp_path / "whole", half_an_organ(), STEPS), 1)
    folder = prepared(tmp_path / "killed", half_an_organ(), STEPS)
    process = started(folder, 2, rest=0.2)
    wait_for_step(process, folder, 4)
    kill(process)
    resumed = end_of(folder, 1)
    assert 3 <= resumed.facts["resumed_at"] < len(STEPS)
    agree(resumed, whole)
