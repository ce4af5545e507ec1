# SPDX-License-Identifier: LGPL-3.0-or-later
"""Laser fibres in a stage: pulses, coagulation that shuts light in, books of light and heat, restart, ranks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mpi4py import MPI

from imagio_sim.meshing.domain import Domain
from imagio_sim.meshing.generate import generate, generate_axisymmetric
from imagio_sim.meshing.locate import Locator
from imagio_sim.meshing.recipe import MeshRecipe, RodShape, Sizes
from imagio_sim.meshing.region import Sphere
from imagio_sim.outcome.zone import ablation_zone
from imagio_sim.solve.case import Numerics, SurfaceCooling, ThermalCase
from imagio_sim.solve.case_file import load_case, save_case
from imagio_sim.solve.checkpoint import load_checkpoint, save_checkpoint
from imagio_sim.solve.light import Rays
from imagio_sim.solve.sources.laser import Fibre, LaserSource, LaserSpec, LightLoss
from imagio_sim.solve.stage import Stage
from tests.solve.bricks import SIDE_MM, cube, finished
from tests.solve.test_parallel import STEPS, end_of, prepared

MODEL = "arrhenius_hepg2"
NATIVE, COAGULATED = (50.0, 240.0), (60.0, 1500.0)


def tissue(cells: int, native: tuple[float, float] = NATIVE, coagulated: tuple[float, float] = COAGULATED) -> Any:
    """Optics [1/m] of every cell, absorption and reduced scattering."""
    names = ("absorption", "reduced_scattering", "coagulated_absorption", "coagulated_reduced_scattering")
    return {name: np.full(cells, value) for name, value in zip(names, (*native, *coagulated), strict=True)}


def shining(*fibres: Fibre, end_time: float, **optics: tuple[float, float]) -> ThermalCase:
    """The cube with fibres on its plates."""
    case = cube(end_time=end_time)
    losses = (LightLoss("boundary", 1.0),)
    spec = LaserSpec(fibres, losses, coagulation_model=MODEL, **tissue(len(case.domain.cells), **optics))
    return replace(case, sources=(spec,))


def plate(power: float, *pulses: tuple[float, float], name: str = "left") -> Fibre:
    return Fibre(name, name, None, power, pulses)


def laser_of(stage: Stage) -> LaserSource:
    (source,) = stage.sources
    assert isinstance(source, LaserSource)
    return source


@pytest.fixture(scope="module")
def heated() -> Stage:
    return finished(shining(plate(8.0, (0.0, 120.0)), end_time=150.0))


def test_all_light_of_a_fibre_is_absorbed_or_lost(heated: Stage) -> None:
    facts = laser_of(heated).facts()
    assert facts["emitted_J"] == pytest.approx({"left": 8.0 * 120.0})
    assert facts["absorbed_J"] + sum(facts["lost_J"].values()) == pytest.approx(8.0 * 120.0, rel=1e-5)
    assert facts["balance_error"] < 5e-3
    assert 0.0 < facts["lost_J"]["boundary"] < 0.5 * 960.0


def test_what_is_absorbed_heats_the_tissue(heated: Stage) -> None:
    absorbed = laser_of(heated).facts()["absorbed_J"]
    assert heated.ledger.deposited["laser"] == pytest.approx(absorbed, rel=1e-9)
    assert heated.ledger.balance_error < 1e-4
    assert heated.peak_temperature.max() > 70.0


def test_the_tissue_coagulates_with_the_model_that_decides(heated: Stage) -> None:
    fields = laser_of(heated).checkpoint_fields()
    assert fields[f"death/{MODEL}"] == pytest.approx(heated.death.fields()[f"death/{MODEL}"], rel=1e-12)


def depth_of_light(stage: Stage) -> float:
    """Mean distance [m] from the plate of where light is absorbed."""
    assert stage.load is not None
    power = stage.load.heat * stage.operators.cell_volume
    return float(power @ stage.operators.cell_mean(stage.space.points[:, 0]) / power.sum())


def test_coagulation_shuts_the_light_in() -> None:
    stage = finished(shining(plate(8.0, (0.0, 120.0)), end_time=120.0))
    fixed = finished(shining(plate(8.0, (0.0, 120.0)), end_time=120.0, coagulated=NATIVE))
    assert stage.dead_fraction().max() > 0.99
    assert depth_of_light(stage) < 0.9 * depth_of_light(fixed)


def test_light_is_solved_anew_only_while_the_tissue_changes() -> None:
    changing = finished(shining(plate(8.0, (0.0, 60.0)), end_time=60.0))
    fixed = finished(shining(plate(8.0, (0.0, 60.0)), end_time=60.0, coagulated=NATIVE))
    assert laser_of(fixed).statistics()["light_solves"] == 1
    assert 1 < laser_of(changing).statistics()["light_solves"] <= changing.steps + changing.rejected


def test_a_pulsed_laser_is_on_and_off_in_turn() -> None:
    stage = finished(shining(plate(6.0, (0.0, 5.0), (10.0, 15.0)), end_time=20.0))
    powers = {round(row["time_s"], 6): row["left.power_W"] for row in stage.history}
    assert {5.0, 10.0, 15.0, 20.0} <= set(powers)
    assert [powers[time] for time in (5.0, 10.0, 15.0, 20.0)] == [6.0, 0.0, 6.0, 0.0]
    assert laser_of(stage).facts()["emitted_J"]["left"] == pytest.approx(60.0)


def test_two_fibres_give_what_each_gives() -> None:
    pulse = (0.0, 10.0)
    both = finished(shining(plate(3.0, pulse), plate(2.0, pulse, name="right"), end_time=10.0))
    facts = laser_of(both).facts()
    assert facts["emitted_J"] == pytest.approx({"left": 30.0, "right": 20.0})
    assert facts["balance_error"] < 5e-3


def test_a_planner_is_warned_of_light_that_leaves_the_region(heated: Stage) -> None:
    assert any("leaves the region" in warning for warning in heated.summary()["warnings"])


def test_a_planner_is_warned_where_tissue_scatters_too_little() -> None:
    clear = {"native": (14.4, 10.0), "coagulated": (14.4, 10.0)}
    stage = finished(shining(plate(2.0, (0.0, 2.0)), end_time=2.0, **clear))
    assert any("scatters too little" in warning for warning in stage.summary()["warnings"])


def test_a_laser_survives_the_file_and_the_checkpoint(tmp_path: Path) -> None:
    case = shining(plate(8.0, (0.0, 30.0), (40.0, 60.0)), end_time=60.0)
    save_case(case, tmp_path / "case.npz")
    whole, broken = Stage(MPI.COMM_SELF, case), Stage(MPI.COMM_SELF, load_case(tmp_path / "case.npz"))
    while not whole.finished:
        whole.advance()
    for _ in range(whole.steps // 2):
        broken.advance()
    save_checkpoint(broken, tmp_path / "state.npz", digest="laser")
    resumed = Stage(MPI.COMM_SELF, case)
    load_checkpoint(resumed, tmp_path / "state.npz", digest="laser")
    while not resumed.finished:
        resumed.advance()
    assert resumed.steps == whole.steps
    assert resumed.temperature == pytest.approx(whole.temperature, abs=1e-3)
    assert laser_of(resumed).facts()["emitted_J"] == pytest.approx(laser_of(whole).facts()["emitted_J"])


def bare(power: float, *pulses: tuple[float, float]) -> Fibre:
    """One ray from the middle of the left plate through the cube."""
    edges_mm = np.linspace(0.0, SIDE_MM, 41)
    middle = SIDE_MM / 2.0 + 0.1
    points_mm = np.column_stack([0.5 * (edges_mm[1:] + edges_mm[:-1]), np.full((40, 2), middle)])
    cells = Locator(cube().domain).cells(points_mm)
    return Fibre(
        "bare", None, Rays(points_mm[None] * 1e-3, np.diff(edges_mm) * 1e-3, cells[None], np.ones(1)), power, pulses
    )


def test_a_bare_fibre_heats_most_one_transport_length_ahead_of_it() -> None:
    stage = finished(shining(bare(2.0, (0.0, 10.0)), end_time=10.0))
    assert laser_of(stage).facts()["balance_error"] < 5e-3
    assert stage.load is not None
    hottest = stage.operators.cell_mean(stage.space.points[:, 0])[stage.load.heat.argmax()]
    assert hottest < 1.5 / sum(NATIVE)


@pytest.mark.mpi
@pytest.mark.parametrize("fibre", [plate(8.0, (0.0, 40.0)), bare(4.0, (0.0, 40.0))], ids=["diffuser", "bare"])
def test_a_laser_gives_the_same_on_one_rank_and_on_two(fibre: Fibre, tmp_path: Path) -> None:
    tight = Numerics(linear_tolerance=1e-11, nonlinear_tolerance=1e-8)
    case = replace(shining(fibre, end_time=40.0), numerics=tight)
    one, two = (end_of(prepared(tmp_path / f"{ranks}", case, STEPS), ranks) for ranks in (1, 2))
    assert one.temperature.max() > 50.0
    assert two.facts["sources"]["laser"]["balance_error"] < 5e-3
    assert np.abs(one.temperature - two.temperature).max() < 1e-4


RADIUS_MM, LENGTH_MM = 1.5, 20.0
SIZES = Sizes(surface_mm=0.35, zone_mm=0.95, far_mm=6.0, growth=0.2, per_radius=0.6)


def applicator_recipe() -> MeshRecipe:
    """A cooled applicator of 3 mm with a diffuser of 2 cm."""
    sections = (("tip", 0.0, 5.0), ("diffuser", 5.0, 5.0 + LENGTH_MM), ("shaft_cooled", 5.0 + LENGTH_MM, 35.0))
    rod = RodShape("F.shaft", ((0.0, 0.0, 0.0), (0.0, 0.0, 100.0)), RADIUS_MM, "flat", 0.0, sections)
    focus = ((0.0, 0.0, 5.0), (0.0, 0.0, 5.0 + LENGTH_MM))
    return MeshRecipe(Sphere((0.0, 0.0, 15.0), 40.0), (rod,), (focus,), 15.0, SIZES)


def in_liver(domain: Domain) -> ThermalCase:
    template, cells = cube(), len(domain.cells)
    fibre = Fibre("F", "F.shaft.diffuser", None, 15.0, ((0.0, 300.0),))
    spec = LaserSpec((fibre,), (LightLoss("boundary", 1.0),), coagulation_model=MODEL, **tissue(cells))
    return replace(
        template,
        domain=domain,
        cell_fields={name: np.full(cells, values[0]) for name, values in template.cell_fields.items()},
        vessel_conductance=np.zeros(cells),
        lumen_fraction=np.zeros(cells),
        cooling=(SurfaceCooling("F.shaft.diffuser", 250.0, 20.0, "coolant"),),
        sources=(spec,),
        end_time=300.0,
    )


def zone_volume_ml(stage: Stage) -> float:
    """Volume where the deciding model says dead."""
    level = stage.space.gathered(stage.levels()[MODEL])
    assert level is not None
    axis = np.array([0.0, 0.0, 1.0])[-stage.space.dimension :]
    return ablation_zone(stage.case.domain, level, axis).volume_ml


def beside(stage: Stage, off_axis_mm: float) -> float:
    """Temperature [degC] beside the middle of the diffuser."""
    point = np.array([off_axis_mm, 0.0, 15.0]) if stage.space.dimension == 3 else np.array([off_axis_mm, 15.0])
    return stage.space.value_at(stage.temperature, stage.space.place_of(point * 1e-3))


@pytest.mark.slow
def test_half_plane_and_three_dimensions_agree() -> None:
    recipe = applicator_recipe()
    flat, solid = (finished(in_liver(make(recipe).domain)) for make in (generate_axisymmetric, generate))
    assert flat.ledger.balance_error < 1e-3
    assert zone_volume_ml(flat) == pytest.approx(zone_volume_ml(solid), rel=0.02)
    for off_axis_mm in (5.0, 10.0, 15.0):
        assert beside(flat, off_axis_mm) == pytest.approx(beside(solid, off_axis_mm), abs=1.0)
