# SPDX-License-Identifier: LGPL-3.0-or-later
"""Liposomes in a stage: a heated cube of tissue, its books, checkpoints, and what goes on to the next stage."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from imagio_sim.solve.case_file import load_case, save_case
from imagio_sim.solve.checkpoint import load_checkpoint, save_checkpoint
from imagio_sim.solve.sources import VolumeSource
from imagio_sim.solve.sources.liposomes import LiposomeSource
from imagio_sim.solve.stage import Stage
from imagio_sim.solve.state_names import CARRIED
from tests.solve.bricks import SIDE_MM, begun, finished
from tests.solve.liposomes import AMOUNT, heated


def liposomes(stage: Stage) -> LiposomeSource:
    (source,) = (source for source in stage.sources if isinstance(source, LiposomeSource))
    return source


def amounts(stage: Stage) -> list[float]:
    """In the compartments of the tissue [mol]."""
    volume = stage.operators.distributed(np.ones(stage.space.cell_count))
    return [stage.space.node_sum(one * volume) for one in liposomes(stage).drug.tissue]


@pytest.fixture(scope="module")
def warm() -> Stage:
    return finished(heated())


@pytest.fixture(scope="module")
def cool() -> Stage:
    return finished(heated(power=0.0))


def test_all_drug_is_accounted_for(warm: Stage, cool: Stage) -> None:
    for stage in (warm, cool):
        facts = liposomes(stage).facts()
        assert facts["balance_error"] < 1e-10
        balance = dict(facts["balance_mg"])
        given = balance.pop("given")
        assert given == pytest.approx(AMOUNT * 0.5799e6, rel=1e-3)
        assert sum(balance.values()) == pytest.approx(given, rel=1e-10)
        assert min(balance.values()) >= 0.0


def test_liposomes_change_nothing_of_the_heat(warm: Stage) -> None:
    case = heated()
    alone = finished(replace(case, sources=case.sources[:1]))
    assert alone.temperature == pytest.approx(warm.temperature, abs=0.05)
    assert alone.ledger.deposited["beam"] == pytest.approx(warm.ledger.deposited["beam"], rel=1e-9)
    assert warm.ledger.deposited["liposomes.liposomes_1"] == 0.0


def test_the_drug_is_where_it_was_warm_but_still_perfused(warm: Stage, cool: Stage) -> None:
    source = liposomes(warm)
    total, x = source.drug.tissue[3:].sum(axis=0), warm.space.points[:, 0] * 1e3
    peak = warm.peak_temperature
    assert peak.max() > 55.0
    margin = (peak > 41.0) & (peak < 50.0)
    cold = peak < 37.5
    assert total[margin].mean() > 20.0 * total[cold].mean()
    assert total[margin].mean() > total[x < 0.05 * SIDE_MM].mean()
    assert amounts(warm)[4] > 10.0 * amounts(cool)[4]


def test_drug_mirrors_the_symmetry_of_the_heat(warm: Stage) -> None:
    points, cells = warm.space.points * 1e3, liposomes(warm).drug.tissue[4]
    mirrored = {tuple(np.round([x, SIDE_MM - y, z], 6)): value for (x, y, z), value in zip(points, cells, strict=True)}
    other = np.array([mirrored[tuple(np.round(point, 6))] for point in points])
    # The cells of the mesh are not symmetric, and release is steep in the temperature.
    assert np.abs(cells - other).max() < 0.15 * cells.max()
    assert np.abs(cells - other).mean() < 0.02 * cells.mean()


def test_dead_tissue_gets_no_more_drug() -> None:
    stage = finished(heated(power=6.0e6, end_time=400.0, begin=200.0, duration=150.0))
    dead = stage.dead_fraction() > 0.99
    assert dead.any()
    drug = liposomes(stage).drug.tissue.sum(axis=0)
    assert drug[dead].max() < 5e-3 * drug.max()


def test_the_infusion_keeps_its_times_within_the_stage() -> None:
    stage = finished(heated(begin=30.5, duration=60.0))
    times = np.array([row["time_s"] for row in stage.history])
    plasma = np.array([row["liposomes_1.plasma_encapsulated_umol_per_l"] for row in stage.history])
    assert np.all(plasma[times <= 30.5 + 1e-9] == 0.0)
    assert times[plasma.argmax()] == pytest.approx(90.5)
    assert liposomes(stage).facts()["plasma_peak_s"] == pytest.approx(60.0)


def test_plasma_sees_the_dose_over_its_volume() -> None:
    facts = liposomes(finished(heated(power=0.0, begin=0.0, duration=1.0, end_time=5.0))).facts()
    assert facts["plasma_peak_umol_per_l"] == pytest.approx(1e3 * AMOUNT / 2.95e-3, rel=0.02)


def test_it_survives_file_and_checkpoint(tmp_path: Path) -> None:
    case = heated(end_time=60.0)
    save_case(case, tmp_path / "case.npz")
    again = load_case(tmp_path / "case.npz")
    whole, first, second = begun(case), begun(again), begun(again)
    while whole.time < 40.0:
        whole.advance()
        first.advance()
    save_checkpoint(first, tmp_path / "state.npz", digest="x")
    assert load_checkpoint(second, tmp_path / "state.npz", digest="x")
    while not whole.finished:
        whole.advance()
        second.advance()
    assert liposomes(second).drug.tissue == pytest.approx(liposomes(whole).drug.tissue, rel=1e-12, abs=1e-30)
    assert liposomes(second).carried_numbers() == pytest.approx(liposomes(whole).carried_numbers(), rel=1e-12)
    assert liposomes(second).statistics() == liposomes(whole).statistics()


def test_two_stages_are_one_that_was_cut(warm: Stage) -> None:
    case = heated()
    times = [row["time_s"] for row in warm.history]
    cut = min(times, key=lambda time: abs(time - 100.0))
    first = finished(replace(case, end_time=cut))
    handed = {name: first.space.gathered(values) for name, values in first.carried_state().items()}
    numbers = {source.name: source.carried_numbers() for source in first.sources}
    beam, given = case.sources
    assert isinstance(beam, VolumeSource)
    later = replace(
        case,
        end_time=case.end_time - cut,
        sources=(replace(beam, start=beam.start - cut, end=beam.end - cut), replace(given, begin=-cut)),
        initial_state=handed,
        carried_numbers=numbers,
    )
    second = finished(later)
    assert any(name.startswith(f"{CARRIED}liposomes.") for name in handed)
    facts, whole = liposomes(second).facts(), liposomes(warm).facts()
    assert facts["balance_error"] < 1e-10
    assert facts["balance_mg"]["given"] == pytest.approx(whole["balance_mg"]["given"], rel=1e-12)
    assert facts["plasma_peak_s"] == pytest.approx(whole["plasma_peak_s"], rel=1e-6)
    assert facts["balance_mg"]["region_cells"] == pytest.approx(whole["balance_mg"]["region_cells"], rel=0.02)
    assert facts["plasma_encapsulated_auc_umol_h_per_l"] == pytest.approx(
        whole["plasma_encapsulated_auc_umol_h_per_l"], rel=1e-3
    )


def test_the_drug_kills_by_every_model_where_it_is_and_what_it_kills_counts_from_the_begin_of_the_stage() -> None:
    stage = finished(heated(end_time=20000.0))
    source = liposomes(stage)
    levels, (survival,) = source.levels(), source.survivals().values()
    assert set(levels) == {"drug_exposure", "drug_peak", "drug_cell_content"}
    warm, cold = stage.peak_temperature > 41.0, stage.peak_temperature < 37.5
    assert (1.0 - survival[warm]).mean() > 20.0 * (1.0 - survival[cold]).mean() > 0.0
    assert levels["drug_cell_content"].max() > levels["drug_exposure"].max()
    later = begun(heated())
    liposomes(later).take_carried(source.carried(), source.carried_numbers())
    assert np.all(liposomes(later).survivals()["drug_exposure"] == 1.0)
    assert liposomes(later).levels()["drug_exposure"] == pytest.approx(levels["drug_exposure"])


def test_amounts_are_what_was_handed_on_whatever_the_mesh_made_of_them() -> None:
    stage = begun(heated())
    source = liposomes(stage)
    fields = {name: np.full(stage.space.count, 2.0) for name in source.carried()}
    numbers = {**source.carried_numbers(), "tissue.cells": 3e-9, "tissue.plasma_free": 0.0, "book.given": 1e-8}
    source.take_carried(fields, numbers)
    assert amounts(stage) == pytest.approx([0.0, 0.0, 0.0, 0.0, 3e-9], rel=1e-12)
    source.take_carried({**fields, "cells": np.zeros(stage.space.count)}, numbers)
    assert source.carried_numbers()["book.beyond"] == pytest.approx(3e-9)
