# SPDX-License-Identifier: LGPL-3.0-or-later
"""A whole stage on a small perfused cylinder: power, energy, determinism, restart."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from mpi4py import MPI

from imagio_sim.devices.generator import ConstantDrive, Controller, ImpedanceControl, Limits, described
from imagio_sim.errors import Interrupted
from imagio_sim.meshing.phantoms import half_plane
from imagio_sim.solve.case import Numerics, SurfaceCooling, ThermalCase
from imagio_sim.solve.case_file import load_case, save_case
from imagio_sim.solve.checkpoint import load_checkpoint
from imagio_sim.solve.march import March
from imagio_sim.solve.sources.radiofrequency import Conductor, Generator, Ground, RadiofrequencySpec
from imagio_sim.solve.stage import Stage
from imagio_sim.tissue.constants import load_constants
from tests.solve.bricks import radiofrequency

GENEROUS = Limits(200.0, 400.0, 5.0)
CONSTANTS = {name: value.value for name, value in load_constants().items()}


def constant_power(power: float = 2.0, duration: float = 60.0) -> ConstantDrive:
    return ConstantDrive(limits=GENEROUS, duration=duration, cooling_phase=20.0, kind="power", value=power)


def electrode_case(controller: Controller, numerics: Numerics | None = None) -> ThermalCase:
    """A plate electrode on one end of a 16 mm cylinder of liver; the far end is the region's boundary."""
    domain = half_plane(8.0, 16.0, 12, 24)
    surfaces = {"plate": domain.surfaces["bottom"], "boundary": domain.surfaces["top"]}
    cells = len(domain.cells)
    fields = {
        "heat_capacity_0": 3.8e6,
        "heat_capacity_1": CONSTANTS["dried_heat_capacity"],
        "latent_heat_0": 1.66e9,
        "thermal_conductivity": 0.52,
        "thermal_conductivity_slope": 0.001,
        "electrical_conductivity": 0.2,
        "electrical_conductivity_slope": 0.015,
        "perfusion_rate": 0.0064,
        "metabolic_heat": 0.0,
    }
    start, width = CONSTANTS["vaporisation_start"], CONSTANTS["vaporisation_width"]
    return ThermalCase(
        domain=replace(domain, surfaces=surfaces),
        cell_fields={name: np.full(cells, value) for name, value in fields.items()},
        transitions=((start, start + width),),
        vessel_conductance=np.zeros(cells),
        lumen_fraction=np.zeros(cells),
        body_temperature=37.0,
        blood_heat_capacity=3.8e6,
        constants=CONSTANTS,
        cooling=(SurfaceCooling("plate", 3366.0, 10.0, "coolant"),),
        deciding_models=("arrhenius_hepg2",),
        end_time=controller.end_time,
        numerics=numerics or Numerics(),
        sources=(
            RadiofrequencySpec(
                (Conductor("needle", ("plate",)),),
                (Generator("needle", "needle", None, described(controller), ((0.0, 0.0, 0.0),)),),
                Ground((0.0, 0.0, 0.0)),
            ),
        ),
    )


def finished(case: ThermalCase) -> Stage:
    stage = Stage(MPI.COMM_WORLD, case)
    while not stage.finished:
        stage.advance()
    return stage


def test_set_power_is_deposited_power_plus_far_field() -> None:
    stage = finished(electrode_case(constant_power()))
    under_power = [row for row in stage.history if row["time_s"] <= 60.0]
    for row in under_power:
        assert row["deposited_power_W"] + row["far_field_power_W"] == pytest.approx(2.0, rel=1e-6)
    assert stage.history[-1]["deposited_power_W"] == 0.0


def test_energy_is_conserved_through_boiling() -> None:
    stage = finished(electrode_case(constant_power(60.0)))
    assert max(row["maximum_temperature_degC"] for row in stage.history) > 100.2
    assert stage.ledger.source > 0.0
    assert stage.ledger.lost["perfusion"] > 0.0
    assert stage.ledger.lost["coolant"] > 0.0
    assert stage.ledger.balance_error < 1e-4


def test_nothing_happens_without_power() -> None:
    case = replace(electrode_case(constant_power(1e-12)), cooling=())
    stage = finished(case)
    assert stage.temperature == pytest.approx(37.0, abs=1e-6)
    assert not stage.death.dead_fraction().any()


def test_smaller_time_tolerance_changes_the_temperature_little() -> None:
    loose, tight = (finished(electrode_case(constant_power(), Numerics(time_tolerance=t))) for t in (1.0, 0.1))
    assert tight.steps > loose.steps
    rise = tight.peak_temperature.max() - 37.0
    assert np.abs(loose.peak_temperature - tight.peak_temperature).max() < 0.02 * rise


def test_impedance_control_pulses_when_the_tissue_dries() -> None:
    controller = ImpedanceControl(
        limits=GENEROUS,
        duration=240.0,
        initial_power=50.0,
        max_power=90.0,
        ramp_rate=0.5,
        roll_off_rise=20.0,
        baseline_window=20.0,
        pause_duration=15.0,
        pause_power=1.0,
        resume_fraction=0.9,
    )
    stage = finished(electrode_case(controller))
    assert radiofrequency(stage).controllers[0].state()["pulses"] >= 1
    assert stage.ledger.balance_error < 1e-3


def test_case_file_keeps_everything(tmp_path: Path) -> None:
    case = electrode_case(constant_power())
    save_case(case, tmp_path / "case.npz")
    again = load_case(tmp_path / "case.npz")
    assert again.sources == case.sources
    assert again.cooling == case.cooling
    assert again.numerics == case.numerics
    assert again.transitions == case.transitions
    assert np.array_equal(again.domain.surfaces["plate"], case.domain.surfaces["plate"])
    assert again.cell_fields.keys() == case.cell_fields.keys()


def march(stage: Stage, folder: Path, stop_after: int | None = None) -> March:
    return March(
        stage,
        folder / "state.npz",
        digest="x",
        observe=lambda _: None,
        stop=lambda: stop_after is not None and stage.steps >= stop_after,
    )


def test_stopped_and_resumed_run_equals_an_uninterrupted_one(tmp_path: Path) -> None:
    case = electrode_case(constant_power(), Numerics(linear_tolerance=1e-10))
    whole = finished(case)
    steps = [row["step_s"] for row in whole.history]
    first = Stage(MPI.COMM_WORLD, case)
    with pytest.raises(Interrupted):
        march(first, tmp_path, stop_after=len(steps) // 2).run(steps)
    second = Stage(MPI.COMM_WORLD, case)
    assert load_checkpoint(second, tmp_path / "state.npz", digest="x")
    march(second, tmp_path).run(steps[second.steps :])
    assert second.steps == whole.steps
    assert second.temperature == pytest.approx(whole.temperature, rel=1e-6)
    assert second.ledger.source == pytest.approx(whole.ledger.source, rel=1e-9)
    assert second.death.states["arrhenius_hepg2"] == pytest.approx(whole.death.states["arrhenius_hepg2"], rel=1e-5)


def test_checkpoint_of_another_case_is_not_taken(tmp_path: Path) -> None:
    case = electrode_case(constant_power())
    stage = Stage(MPI.COMM_WORLD, case)
    stage.advance()
    march(stage, tmp_path).save()
    assert not load_checkpoint(Stage(MPI.COMM_WORLD, case), tmp_path / "state.npz", digest="y")
    assert not load_checkpoint(Stage(MPI.COMM_WORLD, case), tmp_path / "missing.npz", digest="x")


def test_a_damaged_checkpoint_is_as_good_as_none(tmp_path: Path) -> None:
    case = electrode_case(constant_power())
    stage = Stage(MPI.COMM_WORLD, case)
    march(stage, tmp_path).save()
    whole = (tmp_path / "state.npz").read_bytes()
    (tmp_path / "state.npz").write_bytes(whole[: len(whole) // 2])
    assert not load_checkpoint(Stage(MPI.COMM_WORLD, case), tmp_path / "state.npz", digest="x")


def test_the_generator_s_energy_is_deposited_also_while_tissue_boils() -> None:
    stage = finished(electrode_case(constant_power(60.0)))
    delivered = sum(row["needle.power_W"] * row["step_s"] for row in stage.history)
    assert max(row["maximum_temperature_degC"] for row in stage.history) > 100.2
    assert stage.ledger.source + stage.ledger.far_field == pytest.approx(delivered, rel=1e-3)
