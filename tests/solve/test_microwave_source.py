# SPDX-License-Identifier: LGPL-3.0-or-later
"""Microwave antennas in a whole stage."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from mpi4py import MPI
from petsc4py import PETSc

from imagio_sim.errors import SolverFailure
from imagio_sim.solve import microwave_field
from imagio_sim.solve.case import ThermalCase
from imagio_sim.solve.case_file import load_case, save_case
from imagio_sim.solve.checkpoint import load_checkpoint, save_checkpoint
from imagio_sim.solve.microwave_coupling import ANGLES, variation_around
from imagio_sim.solve.sources.microwave import MicrowaveSource, MicrowaveSpec
from imagio_sim.solve.stage import Stage
from imagio_sim.tissue.dielectric import LinearCourse, load_model
from tests.solve.slot_antennas import HOT_LIVER, antenna, microwave_case, region

HALF_PLANE = region(0.0, axisymmetric=True)
BALL, BALL_OF_TWO = region(0.0), region(-6.0, 6.0)


def run(case: ThermalCase) -> Stage:
    stage = Stage(MPI.COMM_SELF, case)
    while not stage.finished:
        stage.advance()
    return stage


def source_of(stage: Stage) -> MicrowaveSource:
    (source,) = stage.sources
    assert isinstance(source, MicrowaveSource)
    return source


def short(power: float = 20.0, **changes: object) -> ThermalCase:
    return microwave_case(HALF_PLANE, antenna(power=power), tissue=HOT_LIVER, end_time=60.0, **changes)


@pytest.fixture(scope="module")
def heated() -> Stage:
    return run(short())


def test_where_the_power_goes_adds_up_to_what_the_generator_gives(heated: Stage) -> None:
    energy = source_of(heated).facts()["antenna_0"]
    parts = ("tissue", "beyond_region", "antenna", "reflected", "cable")
    assert energy["generator_J"] == pytest.approx(20.0 * 60.0, rel=1e-9)
    assert sum(energy[f"{part}_J"] for part in parts) == pytest.approx(energy["generator_J"], rel=1e-6)


def test_tissue_takes_what_the_field_deposits(heated: Stage) -> None:
    energy = heated.summary()["energy"]
    booked = source_of(heated).facts()["antenna_0"]["tissue_J"]
    assert energy["source_J"] + energy["withheld_J"] == pytest.approx(booked, rel=1e-6)
    assert abs(energy["withheld_J"]) < 0.01 * booked
    assert abs(energy["balance_error"]) < 1e-6


def test_a_lossy_cable_takes_its_share_both_ways() -> None:
    case = microwave_case(HALF_PLANE, antenna(transmission=0.7), end_time=5.0)
    energy = source_of(run(case)).facts()["antenna_0"]
    entered = 0.7 * energy["generator_J"]
    reflected_at_port = energy["reflected_J"] / 0.7
    assert energy["cable_J"] == pytest.approx(0.3 * (energy["generator_J"] + reflected_at_port))
    assert energy["tissue_J"] + energy["beyond_region_J"] + reflected_at_port == pytest.approx(entered, rel=1e-6)


def test_the_field_is_solved_once_in_tissue_that_does_not_change() -> None:
    stage = run(microwave_case(HALF_PLANE, antenna(), end_time=20.0))
    assert stage.steps > 3
    assert stage.summary()["solver"]["microwave_solves"] == 1


def test_the_field_follows_tissue_that_heats_up_and_a_looser_tolerance_asks_for_fewer(heated: Stage) -> None:
    loose = run(short(tolerance=0.3))
    solves = [stage.summary()["solver"]["microwave_solves"] for stage in (heated, loose)]
    assert solves[0] > solves[1] >= 1


def test_heat_of_a_field_that_is_kept_goes_with_the_conductivity_of_each_cell() -> None:
    slope = 0.0182
    tissue = replace(HOT_LIVER, conductivity_course=LinearCourse(slope, 100.0, dries=True))
    stage = Stage(MPI.COMM_SELF, microwave_case(HALF_PLANE, antenna(power=1.0), tissue=tissue, tolerance=0.9))
    stage.advance()
    source, even = source_of(stage), np.full(stage.space.count, 37.0)
    warm = even + np.where(stage.space.points[:, 1] > 6.5e-3, 20.0, 0.0)
    before, after = (source.deposit(stage.time, 1.0, state).heat for state in (even, warm))
    changed = (after / before)[before > 0.0]
    assert changed.max() / changed.min() == pytest.approx(1.0 + 20.0 * slope, rel=1e-3)
    assert source.statistics()["microwave_solves"] == 1


def test_dry_tissue_reflects_more_and_does_not_reach_any_temperature() -> None:
    dried = run(short(power=60.0))
    first, last = dried.history[0], dried.history[-1]
    assert last["antenna_0.reflected_power_W"] > 5.0 * first["antenna_0.reflected_power_W"]
    assert 110.0 < dried.peak_temperature.max() < 400.0


def test_nothing_is_deposited_after_the_power_is_off() -> None:
    stage = run(microwave_case(HALF_PLANE, antenna(duration=10.0), end_time=20.0))
    after = [row for row in stage.history if row["time_s"] > 10.0]
    assert after
    assert all(row["antenna_0.power_W"] == 0.0 and row["deposited_power_W"] == 0.0 for row in after)
    assert any(row["time_s"] == pytest.approx(10.0) for row in stage.history)


def test_a_case_with_antennas_survives_being_written_to_a_file(tmp_path: Path) -> None:
    case = short()
    save_case(case, tmp_path / "case.npz")
    read = load_case(tmp_path / "case.npz")
    (before,), (after,) = case.sources, read.sources
    assert isinstance(before, MicrowaveSpec)
    assert isinstance(after, MicrowaveSpec)
    assert after.antennas[0].steps == before.antennas[0].steps
    assert after.tissues == before.tissues
    assert np.array_equal(after.antennas[0].mesh.cells, before.antennas[0].mesh.cells)
    assert run(replace(read, end_time=2.0)).history == run(replace(case, end_time=2.0)).history


def test_a_source_goes_on_from_its_state() -> None:
    case = short(power=40.0)
    stage, other = Stage(MPI.COMM_SELF, case), Stage(MPI.COMM_SELF, case)
    for _ in range(6):
        stage.advance()
    source, resumed = source_of(stage), source_of(other)
    resumed.restore(source.state())
    resumed.take_checkpoint_fields(source.checkpoint_fields())
    ahead = (stage.time, 1.0, stage.temperature)
    assert np.allclose(resumed.deposit(*ahead).heat, source.deposit(*ahead).heat, rtol=1e-9)
    assert resumed.state() == source.state()


def two(phases: tuple[float | None, float | None], seconds: float = 0.5) -> Stage:
    antennas = [antenna(x, phase=phase) for x, phase in zip((-6.0, 6.0), phases, strict=True)]
    return run(microwave_case(BALL_OF_TWO, *antennas, end_time=seconds))


def test_antennas_in_phase_heat_the_middle_more_than_antennas_against_each_other() -> None:
    between = {}
    for name, phases in {"alone": (None, None), "with": (0.0, 0.0), "against": (0.0, np.pi)}.items():
        stage = two(phases)
        centres = stage.space.points[stage.space.cells].mean(axis=1) * 1e3
        middle = (np.abs(centres[:, 0]) < 1.5) & (np.hypot(centres[:, 1], centres[:, 2] - 6.5) < 5.0)
        assert stage.load is not None
        between[name] = float((stage.load.heat * stage.operators.cell_volume)[middle].sum())
    assert between["with"] > 1.5 * between["alone"] > 2.0 * between["against"]


def test_interference_is_reported_and_is_what_the_sum_of_both_heats_lacks() -> None:
    coherent, incoherent = two((0.0, 0.0)), two((None, None))
    powers = [stage.history[-1]["deposited_power_W"] for stage in (coherent, incoherent)]
    facts = [source_of(stage).facts() for stage in (coherent, incoherent)]
    assert facts[1]["interference_J"] == 0.0
    assert facts[0]["interference_J"] == pytest.approx(coherent.time * (powers[0] - powers[1]), rel=1e-6)
    assert facts[0]["interference_J"] != 0.0


def test_a_tumour_beside_the_antenna_is_reported_as_variation_around_it() -> None:
    domain = BALL
    beside = (domain.points_mm[domain.cells].mean(axis=1)[:, 0] > 1.0).astype(float)
    even, uneven = (
        run(microwave_case(domain, antenna(), end_time=1.0, tumour=tumour)) for tumour in (0.0 * beside, beside)
    )
    assert even.summary()["warnings"] == []
    (warning,) = uneven.summary()["warnings"]
    assert "antenna_0" in warning
    assert "varies from side to side by" in warning


ANGLE = 2.0 * np.pi * (np.arange(ANGLES) + 0.5) / ANGLES
CIRCLES = 400
POWERS = np.asarray(np.linspace(1.0, 2.0, CIRCLES), dtype=np.float64)


def test_one_side_unlike_the_other_is_variation_whichever_side_it_is() -> None:
    turned = np.random.default_rng(1).uniform(0.0, 2.0 * np.pi, CIRCLES)
    relative = 1.0 + 0.2 * np.cos(ANGLE - turned[:, None])
    sides, scatter = variation_around(relative.astype(np.complex128), POWERS)
    assert sides == pytest.approx(0.2 / 2.0**0.5)
    assert scatter == pytest.approx(0.0, abs=1e-6)


def test_scatter_without_order_is_no_variation_from_side_to_side() -> None:
    noise = np.random.default_rng(2).normal(0.0, 0.1, (CIRCLES, ANGLES))
    relative = 1.0 + noise - noise.mean(axis=1, keepdims=True)
    sides, scatter = variation_around(relative.astype(np.complex128), POWERS)
    assert sides < 0.02
    assert scatter == pytest.approx(0.1, rel=0.05)


def test_nothing_varies_around_an_antenna_in_the_half_plane(heated: Stage) -> None:
    facts = source_of(heated).facts()["antenna_0"]
    assert facts["azimuthal_variation"] == facts["azimuthal_scatter"] == 0.0


def failing(*_: object) -> None:
    raise PETSc.Error(76)


def test_a_field_that_cannot_be_solved_ends_the_stage_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage(MPI.COMM_SELF, short())
    stage.advance()
    monkeypatch.setattr(microwave_field._BlockSystem, "solve", failing)
    source_of(stage).antennas[0].held = None
    with pytest.raises(SolverFailure, match="the field of an antenna could not be solved"):
        stage.advance()


def test_a_field_that_cannot_be_solved_again_ends_a_resumed_run_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage, resumed = Stage(MPI.COMM_SELF, short()), Stage(MPI.COMM_SELF, short())
    stage.advance()
    save_checkpoint(stage, tmp_path / "state.npz", digest="microwave")
    monkeypatch.setattr(microwave_field._BlockSystem, "solve", failing)
    with pytest.raises(SolverFailure, match=r"fields of microwave at the checkpoint of 0\.250 s") as told:
        load_checkpoint(resumed, tmp_path / "state.npz", digest="microwave")
    assert told.value.last_good_time == pytest.approx(0.25)


def test_the_factorisation_has_memory_to_spare() -> None:
    problem = source_of(Stage(MPI.COMM_SELF, short())).antennas[0]._problem
    assert problem is not None
    assert problem._system._solver.getPC().getFactorMatrix().getMumpsIcntl(14) == 100


@pytest.mark.parametrize(("band", "name", "expected"), [("2450_mhz", None, 85.4), ("2450_mhz", "lopresto", 100.0)])
def test_heat_follows_drying_from_where_half_of_the_conductivity_is_lost_or_water_boils(
    band: str, name: str | None, expected: float
) -> None:
    model = load_model(band, name, highest=100.0)
    tissue = replace(HOT_LIVER, conductivity_course=model.conductivity)
    stage = Stage(MPI.COMM_SELF, microwave_case(HALF_PLANE, antenna(), tissue=tissue))
    assert source_of(stage).antennas[0].drying == pytest.approx(expected, abs=0.05)
