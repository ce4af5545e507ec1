# SPDX-License-Identifier: LGPL-3.0-or-later
"""A pool of blood that warms up with what the tissue gives it: the seam for unknowns of lower dimension."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from imagio_sim.solve.checkpoint import load_checkpoint, save_checkpoint
from imagio_sim.solve.stage import Stage
from tests.solve.bricks import begun, cube, finished
from tests.solve.pool_program import Pool, heated, with_pool


def pool_of(stage: Stage) -> Pool:
    (only,) = stage.couplings
    assert isinstance(only, Pool)
    return only


def test_what_the_tissue_loses_the_pool_gains() -> None:
    stage = finished(with_pool(heated(), 40.0))
    blood = pool_of(stage)
    assert blood.temperature > 37.5
    assert blood.received == pytest.approx(stage.ledger.lost["pool"], rel=1e-10)
    assert 40.0 * (blood.temperature - 37.0) == pytest.approx(blood.received, rel=1e-10)
    assert stage.ledger.balance_error < 1e-6


def test_a_pool_that_warms_up_takes_less_than_one_that_does_not() -> None:
    small, large = finished(with_pool(heated(), 10.0)), finished(with_pool(heated(), 1e9))
    assert small.ledger.lost["pool"] < 0.9 * large.ledger.lost["pool"]
    assert small.temperature.max() > large.temperature.max()
    assert pool_of(large).temperature == pytest.approx(37.0, abs=1e-5)


def test_a_pool_of_endless_capacity_is_perfusion() -> None:
    case = heated()
    perfused = {**case.cell_fields, "perfusion_rate": case.cell_fields["perfusion_rate"] + 0.02}
    coupled, plain = finished(with_pool(case, 1e12)), finished(replace(case, cell_fields=perfused))
    assert coupled.temperature == pytest.approx(plain.temperature, abs=0.05)


def test_tissue_and_pool_end_at_one_temperature_when_nothing_else_takes_heat() -> None:
    case = heated(600.0)
    still = {**case.cell_fields, "perfusion_rate": np.zeros(len(case.domain.cells))}
    surfaces = {**case.domain.surfaces, "boundary": np.empty((0, 3), dtype=np.int64)}
    body = np.full(len(case.domain.points_mm), 37.0)
    warm = {"temperature": body + 6.0, "peak_temperature": body + 6.0}
    states = {f"death/{name}": state for name, state in begun(cube()).death.states.items()}
    closed = replace(
        case,
        domain=replace(case.domain, surfaces=surfaces),
        cell_fields=still,
        sources=(),
        initial_state={**warm, **states},
    )
    stage = finished(with_pool(closed, 30.4))
    blood = pool_of(stage)
    tissue = 3.8e6 * 8e-6
    common = 37.0 + 6.0 * tissue / (tissue + 30.4)
    assert blood.temperature == pytest.approx(common, abs=1e-3)
    assert stage.temperature == pytest.approx(common, abs=1e-2)


def test_steps_are_no_longer_than_the_pool_allows() -> None:
    stage = finished(with_pool(heated(), 2.0))
    assert max(row["step_s"] for row in stage.history) <= pool_of(stage).longest_step + 1e-9


def test_the_splitting_is_of_first_order_in_the_step() -> None:
    def final(step: float) -> float:
        stage = begun(with_pool(heated(8.0), 10.0))
        for _ in range(round(8.0 / step)):
            stage.advance(step)
        return pool_of(stage).temperature

    exact = final(0.0625)
    errors = [abs(final(step) - exact) for step in (1.0, 0.5, 0.25)]
    assert 0.8 < np.log2(errors[0] / errors[1]) < 1.4
    assert errors[2] < errors[1]


def test_a_resumed_stage_goes_on_with_the_pool_it_had(tmp_path: Path) -> None:
    case = heated()
    whole, first, second = (begun(with_pool(case, 40.0)) for _ in range(3))
    for _ in range(6):
        whole.advance()
        first.advance()
    save_checkpoint(first, tmp_path / "state.npz", digest="x")
    assert load_checkpoint(second, tmp_path / "state.npz", digest="x")
    for _ in range(4):
        whole.advance()
        second.advance()
    assert pool_of(second).temperature == pytest.approx(pool_of(whole).temperature, rel=1e-9)
    assert second.temperature == pytest.approx(whole.temperature, rel=1e-9)


@pytest.mark.mpi
def test_pool_and_tissue_are_the_same_on_two_ranks(tmp_path: Path) -> None:
    found = []
    for ranks in (1, 2):
        launcher = ["mpirun", "-n", str(ranks), "--oversubscribe"] if ranks > 1 else []
        command = [*launcher, sys.executable, "-m", "tests.solve.pool_program", str(tmp_path / f"{ranks}.npz")]
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "OMPI_MCA_mpi_yield_when_idle": "1"}
        subprocess.run(command, env=environment, check=True, timeout=90.0)
        with np.load(tmp_path / f"{ranks}.npz") as archive:
            found.append({name: archive[name] for name in archive.files})
    one, two = found
    assert two["temperature"] == pytest.approx(one["temperature"], rel=1e-6)
    assert two["pool"] == pytest.approx(one["pool"], rel=1e-8)
    assert two["books"][:3] == pytest.approx(one["books"][:3], rel=1e-6)
    assert two["books"][3] < 1e-6
