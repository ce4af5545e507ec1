# SPDX-License-Identifier: LGPL-3.0-or-later
"""Freezing and thawing give the same answer on any number of ranks, also after being killed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from imagio_sim.solve.case import Numerics, ThermalCase
from tests.solve.cold import frozen_by, phases
from tests.solve.test_parallel import REPLAYED, end_of, kill, prepared, started, wait_for_step

pytestmark = pytest.mark.mpi

COURSE = phases(("freeze", 30.0), ("passive_thaw", 10.0), ("freeze", 20.0), ("active_thaw", 20.0))
STEPS = [0.5, 1.0, 1.5, 2.0, *([2.5] * 30)]


def plates(numerics: Numerics) -> ThermalCase:
    return frozen_by("left", "right", course=COURSE, numerics=numerics)


def test_replayed_freezing_is_the_same_on_one_rank_and_on_two(tmp_path: Path) -> None:
    one, two = (end_of(prepared(tmp_path / f"{n}", plates(REPLAYED), STEPS), n) for n in (1, 2))
    assert one.facts["sources"]["cryo"]["left"]["coldest_wall_degC"] < -30.0
    assert two.facts["solver"]["ranks"] == 2
    np.testing.assert_allclose(two.temperature, one.temperature, atol=1e-4)
    np.testing.assert_allclose(two.fields["level/nadir_20"], one.fields["level/nadir_20"], atol=1e-5)


def test_adaptive_freezing_leaves_the_same_ice_on_one_rank_and_on_two(tmp_path: Path) -> None:
    one, two = (end_of(prepared(tmp_path / f"{n}", plates(Numerics())), n) for n in (1, 2))
    np.testing.assert_allclose(two.fields["level/nadir_20"], one.fields["level/nadir_20"], atol=0.01)
    assert two.facts["energy"]["stored_J"] == pytest.approx(one.facts["energy"]["stored_J"], rel=1e-3)


def test_freezing_killed_on_two_ranks_and_resumed_on_one_gives_the_same(tmp_path: Path) -> None:
    whole = end_of(prepared(tmp_path / "whole", plates(REPLAYED), STEPS), 1)
    folder = prepared(tmp_path / "killed", plates(REPLAYED), STEPS)
    process = started(folder, 2, rest=0.1)
    wait_for_step(process, folder, 12)
    kill(process)
    resumed = end_of(folder, 1)
    assert 11 <= resumed.facts["resumed_at"] < len(STEPS)
    np.testing.assert_allclose(resumed.temperature, whole.temperature, atol=1e-4)
    assert resumed.facts["energy"]["lost_by_path_J"]["cryoprobe/left"] == pytest.approx(
        whole.facts["energy"]["lost_by_path_J"]["cryoprobe/left"], rel=1e-6
    )
