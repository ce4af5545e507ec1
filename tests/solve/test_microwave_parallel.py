# SPDX-License-Identifier: LGPL-3.0-or-later
"""Microwave antennas on two ranks: each solves one field, and the answer is that of one rank."""

from pathlib import Path

import pytest

from imagio_sim.solve.case import ThermalCase
from tests.solve.slot_antennas import HOT_LIVER, antenna, microwave_case, region
from tests.solve.test_parallel import (
    PATIENCE,
    REPLAYED,
    agree,
    command,
    end_of,
    kill,
    prepared,
    started,
    started_as,
    wait_for_step,
)

pytestmark = pytest.mark.mpi

STEPS = [0.5, 1.0, 2.0, 3.0, 4.0, 4.0, 4.0, 4.0]


def two_antennas() -> ThermalCase:
    """Two antennas in phase, strong enough to dry their tissue within seconds."""
    antennas = [antenna(x, power=40.0, phase=0.0) for x in (-6.0, 6.0)]
    domain = region(-6.0, 6.0, size_factor=1.4)
    return microwave_case(domain, *antennas, tissue=HOT_LIVER, numerics=REPLAYED, end_time=sum(STEPS))


def test_two_antennas_heat_alike_on_one_rank_and_on_two(tmp_path: Path) -> None:
    one, two = (end_of(prepared(tmp_path / f"{ranks}", two_antennas(), STEPS), ranks) for ranks in (1, 2))
    assert one.temperature.max() > 95.0
    assert one.facts["solver"]["microwave_solves"] > 4
    assert two.facts["solver"]["ranks"] == 2
    assert agree(two, one)


def test_a_run_killed_on_two_ranks_goes_on_alike_on_one(tmp_path: Path) -> None:
    whole = end_of(prepared(tmp_path / "whole", two_antennas(), STEPS), 1)
    folder = prepared(tmp_path / "killed", two_antennas(), STEPS)
    process = started(folder, 2, rest=0.5)
    wait_for_step(process, folder, 4)
    kill(process)
    assert not (folder / "end.npz").exists()
    resumed = end_of(folder, 1)
    assert 3 <= resumed.facts["resumed_at"] < len(STEPS)
    assert agree(resumed, whole)
    assert resumed.facts["sources"]["microwave"]["antenna_-6"]["tissue_J"] == pytest.approx(
        whole.facts["sources"]["microwave"]["antenna_-6"]["tissue_J"], rel=1e-6
    )


def test_an_antenna_that_one_rank_cannot_solve_ends_all_ranks_alike(tmp_path: Path) -> None:
    process = started_as(command(2, "tests.solve.failing_antenna_program", str(tmp_path)))
    try:
        said, _ = process.communicate(timeout=PATIENCE)
    finally:
        kill(process)
    assert process.returncode == 0, said
    first, second = ((tmp_path / f"rank_{rank}").read_text() for rank in (0, 1))
    assert "the field of an antenna could not be solved" in first
    assert second == first
