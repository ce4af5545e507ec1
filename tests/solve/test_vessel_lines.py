# SPDX-License-Identifier: LGPL-3.0-or-later
"""Vessels by their centre lines in heated tissue: what the tissue loses the blood carries away."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sparse
from mpi4py import MPI
from scipy.sparse.linalg import spsolve

from imagio_sim.meshing.locate import Locator
from imagio_sim.meshing.phantoms import box
from imagio_sim.meshing.vessel_contact import CentreLine, vessel_contact
from imagio_sim.solve.case import Numerics
from imagio_sim.solve.case_file import load_case, save_case
from imagio_sim.solve.checkpoint import load_checkpoint, save_checkpoint
from imagio_sim.solve.discretisation import Discretisation, EdgeOperators
from imagio_sim.solve.stage import Stage
from tests.solve.bricks import SIDE_MM, begun, cube, finished
from tests.solve.vessel_program import across, blood_of, heated, line_in
from validation.verification.VE01_vessel_in_slab.study import SLABS, on_mesh, reference
from validation.verification.VE02_zone_beside_vessel.study import WALL_MM, solved, with_vessel


def carried(stage: Stage) -> float:
    return sum(blood_of(stage).carried().values())


def outlet(stage: Stage, number: int = 0) -> float:
    return float(blood_of(stage).courses()[number]["temperature_degC"][-1])


@pytest.mark.parametrize(("radius", "velocity"), [(0.1, 0.01), (0.5, 0.05), (3.5, 0.15)])
def test_what_the_tissue_loses_the_blood_carries_away(radius: float, velocity: float) -> None:
    stage = finished(heated(across(radius, velocity)))
    assert carried(stage) > 0.4
    assert carried(stage) == pytest.approx(stage.ledger.lost["vessel_lines"], rel=1e-10)
    assert stage.ledger.balance_error < 1e-5


def test_the_warmth_of_the_blood_is_the_heat_it_was_given() -> None:
    # In the steady state the heat of a step is what the outlet carries beyond the inlet.
    stage = begun(replace(heated(across(0.5, 0.05), end_time=4000.0), numerics=Numerics(nonlinear_tolerance=1e-6)))
    while stage.time < 3000.0:
        stage.advance()
    before = carried(stage)
    stage.advance(1.0)
    rate = blood_of(stage).lines[0].capacity_rate
    assert carried(stage) - before == pytest.approx(rate * (outlet(stage) - 37.0), rel=1e-4)


def test_a_small_vessel_saturates_and_a_large_one_stays_cold() -> None:
    small, large = finished(heated(across(0.2, 0.01))), finished(heated(across(3.5, 0.15)))
    assert outlet(small) > 37.0 + 0.3 * (small.temperature.max() - 37.0)
    assert outlet(large) < 37.2
    assert carried(large) > 20.0 * carried(small)


def test_tissue_beside_a_large_vessel_stays_cool_and_beside_a_thin_one_hardly() -> None:
    def beside(stage: Stage, radius: float) -> float:
        points = stage.space.points * 1e3 - SIDE_MM / 2.0
        near = (np.hypot(points[:, 1], points[:, 2]) < radius + 2.0) & (np.hypot(points[:, 1], points[:, 2]) > radius)
        return float(stage.temperature[near & (np.abs(points[:, 0]) < 5.0)].mean())

    none = finished(heated())
    warmth = beside(none, 3.5) - 37.0
    assert beside(finished(heated(across(3.5, 0.15))), 3.5) - 37.0 < 0.5 * warmth
    assert beside(finished(heated(across(0.1, 0.01))), 3.5) - 37.0 > 0.9 * warmth


def test_no_blood_is_hotter_than_the_hottest_tissue() -> None:
    stage = finished(heated(across(0.1, 0.01)))
    course = blood_of(stage).courses()[0]
    assert min(course["temperature_degC"]) >= 37.0 - 1e-6
    assert max(course["peak_temperature_degC"]) <= stage.peak_temperature.max() + 1e-6


def test_the_blood_follows_the_tissue_within_a_step() -> None:
    """Held over a step it would be of first order, and the heat of a thin vessel that of the steps' length."""

    def heat(step: float) -> float:
        stage = begun(replace(heated(across(0.3, 0.03)), numerics=Numerics(nonlinear_tolerance=1e-7)))
        for _ in range(round(16.0 / step)):
            stage.advance(step)
        return carried(stage)

    exact = heat(0.25)
    errors = [abs(heat(step) - exact) for step in (4.0, 2.0, 1.0)]
    assert errors[0] < 0.02 * exact
    assert 1.6 < np.log2(errors[0] / errors[1]) < 2.8


def test_a_branch_goes_on_with_the_blood_of_its_parent() -> None:
    domain, middle = cube().domain, SIDE_MM / 2.0
    trunk = line_in(
        domain, ((-1, middle, middle), (middle, middle, middle)), radius_mm=0.4, velocity=0.03, name="trunk"
    )
    branch = line_in(
        domain, ((middle, middle, middle), (SIDE_MM + 1, middle, middle)), radius_mm=0.4, velocity=0.03,
        name="branch", parents=(0,),
    )  # fmt: skip
    stage = finished(heated(trunk, branch))
    courses = blood_of(stage).courses()
    assert courses[1]["temperature_degC"][0] == pytest.approx(courses[0]["temperature_degC"][-1], abs=1e-9)
    assert outlet(stage, 0) > 38.0
    alone = finished(heated(replace(branch, parents=())))
    assert blood_of(stage).carried()["branch"] < blood_of(alone).carried()["branch"]


def test_blood_of_joining_vessels_is_mixed_by_flow_and_the_rest_comes_cool() -> None:
    domain, middle = cube().domain, SIDE_MM / 2.0
    meeting = (middle, middle, middle)
    one = line_in(domain, ((-1, 3, middle), meeting), radius_mm=0.3, velocity=0.02, name="one")
    two = line_in(domain, ((-1, 17, middle), meeting), radius_mm=0.6, velocity=0.05, name="two")
    both = line_in(
        domain, (meeting, (SIDE_MM + 1, middle, middle)), radius_mm=0.8, velocity=0.05, name="both", parents=(0, 1)
    )
    assert both.capacity_rate > one.capacity_rate + two.capacity_rate
    stage = finished(heated(one, two, both))
    mixed = one.capacity_rate * outlet(stage, 0) + two.capacity_rate * outlet(stage, 1)
    mixed += (both.capacity_rate - one.capacity_rate - two.capacity_rate) * 37.0
    assert blood_of(stage).courses()[2]["temperature_degC"][0] == pytest.approx(mixed / both.capacity_rate, rel=1e-10)


def test_a_hot_and_a_cold_branch_that_meet_each_carry_what_their_blood_gained() -> None:
    """Where they share nodes, these lose next to nothing on the whole: one branch takes what the other gives."""
    domain, middle = cube().domain, SIDE_MM / 2.0
    meeting = (middle, middle, middle)
    cold = line_in(domain, ((-1, middle - 2, middle), meeting), radius_mm=0.5, velocity=0.05, name="cold")
    hot = line_in(domain, ((-1, middle + 2, middle), meeting), radius_mm=0.5, velocity=0.05, name="hot")
    case = heated(cold, replace(hot, inlet_temperature=55.0))
    assert set(cold.wall_node) & set(hot.wall_node)
    stage = begun(replace(case, numerics=Numerics(nonlinear_tolerance=1e-7)))
    while not stage.finished and stage.time < 40.0:
        stage.advance()
    before, inlets = blood_of(stage).carried(), {"cold": 37.0, "hot": 55.0}
    gained = []
    for _ in range(2):
        gained.append({line.name: line.capacity_rate * (outlet(stage, number) - inlets[line.name])
                       for number, line in enumerate((cold, hot))})  # fmt: skip
        if len(gained) == 1:
            stage.advance(1.0)
    for name, carried_before in before.items():
        now = blood_of(stage).carried()[name] - carried_before
        assert now == pytest.approx(0.5 * (gained[0][name] + gained[1][name]), rel=1e-4)
    assert gained[1]["hot"] < 0.0 < gained[1]["cold"]
    assert carried(stage) == pytest.approx(stage.ledger.lost["vessel_lines"], rel=1e-9)


def test_a_case_with_vessels_survives_its_file(tmp_path: Path) -> None:
    case = heated(across(0.5, 0.05))
    save_case(case, tmp_path / "case.npz")
    (tree,) = load_case(tmp_path / "case.npz").couplings
    (line,), (read,) = case.couplings[0].lines, tree.lines
    assert read.name == line.name
    assert read.turbulent_nusselt is None
    assert np.array_equal(read.wall_node, line.wall_node)


def test_a_resumed_stage_goes_on_with_the_blood_it_had(tmp_path: Path) -> None:
    case = heated(across(0.5, 0.05))
    whole, first, second = (begun(case) for _ in range(3))
    for _ in range(5):
        whole.advance()
        first.advance()
    save_checkpoint(first, tmp_path / "state.npz", digest="x")
    assert load_checkpoint(second, tmp_path / "state.npz", digest="x")
    for _ in range(3):
        whole.advance()
        second.advance()
    assert carried(second) == pytest.approx(carried(whole), rel=1e-9)
    assert second.temperature == pytest.approx(whole.temperature, rel=1e-9)


@pytest.mark.mpi
def test_vessels_are_the_same_on_two_ranks(tmp_path: Path) -> None:
    found = []
    for ranks in (1, 2):
        launcher = ["mpirun", "-n", str(ranks), "--oversubscribe"] if ranks > 1 else []
        command = [*launcher, sys.executable, "-m", "tests.solve.vessel_program", str(tmp_path / f"{ranks}.npz")]
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "OMPI_MCA_mpi_yield_when_idle": "1"}
        subprocess.run(command, env=environment, check=True, timeout=90.0)
        with np.load(tmp_path / f"{ranks}.npz") as archive:
            found.append({name: archive[name] for name in archive.files})
    one, two = found
    assert two["temperature"] == pytest.approx(one["temperature"], rel=1e-6)
    assert two["carried"] == pytest.approx(one["carried"], rel=1e-6)
    assert two["outlets"] == pytest.approx(one["outlets"], rel=1e-7)


def test_what_each_vessel_label_carries_away_is_booked_by_itself() -> None:
    case = heated()
    cells, centres = len(case.domain.cells), case.domain.points_mm[case.domain.cells].mean(axis=1)
    wall = np.where(np.abs(centres[:, 2] - SIDE_MM / 2.0) < 2.0, 1e-4, 0.0)
    left = np.where(centres[:, 0] < 5.0, 1.0, 0.0)
    shares = {"vein": 1.0 - left, "artery": left}
    told = finished(replace(case, vessel_conductance=wall, vessel_shares=shares)).ledger.lost
    together = finished(replace(case, vessel_conductance=wall)).ledger.lost
    assert told["vessel/vein"] > 2.0 * told["vessel/artery"] > 0.0
    assert told["vessel/vein"] + told["vessel/artery"] == pytest.approx(together["vessels"], rel=1e-9)
    assert cells == len(wall)


def effective_radius(radius_mm: float, bricks: int, *, tilt: float) -> tuple[float, float]:
    """Radius [mm] at which the potential of a line source stands for what a vessel in a mesh sees, and what it says.

    1 W/m is given to the wall's nodes of a vessel in a cube with k = 0.5 W/(m K); the cube's surface is held at the
    potential of that source.
    """
    side, k = 20.0, 0.5
    domain = box(bricks, side)
    ends = np.array([[10.4 - 10 * tilt, 9.7 - 10 * tilt, 0.0], [10.4 + 10 * tilt, 9.7 + 10 * tilt, side]])
    found = vessel_contact(domain, Locator(domain), CentreLine("v", ends, np.full(2, radius_mm)))
    space = Discretisation(MPI.COMM_SELF, domain.points_mm * 1e-3, domain.cells)
    operators = EdgeOperators(space)
    local = np.empty(space.count, int)
    local[space.input_node] = np.arange(space.count)
    segments = len(found.radius_mm)
    weights = sparse.csr_array(
        (found.wall.weight, (found.wall.segment, local[found.wall.index])), (segments, space.count)
    )
    conductivity = k * np.maximum(1.0 - found.lumen_fraction[space.input_cell], 1e-3)
    edges = operators.edge_coupling(conductivity)
    rows = np.concatenate([operators.edge_start, operators.edge_end])
    columns = np.concatenate([operators.edge_end, operators.edge_start])
    matrix = sparse.coo_array((np.tile(edges, 2), (rows, columns)), (space.count, space.count)).tocsr()
    matrix = (matrix - sparse.diags_array(np.asarray(matrix.sum(axis=1)).ravel())).tocsr()
    offset = space.points * 1e3 - ends[0]
    along = (ends[1] - ends[0]) / np.linalg.norm(ends[1] - ends[0])
    distance = np.linalg.norm(offset - (offset @ along)[:, None] * along, axis=1)
    exact = -np.log(np.maximum(distance, radius_mm) / 10.0) / (2.0 * np.pi * k)
    held = local[np.unique(np.concatenate(list(domain.surfaces.values())))]
    free = np.setdiff1d(np.arange(space.count), held)
    known = np.zeros(space.count)
    known[held] = exact[held]
    given = weights.T @ (np.diff(found.arc_mm) * 1e-3) - matrix @ known
    solved = known.copy()
    solved[free] = spsolve(matrix[free][:, free].tocsc(), given[free])
    middle = slice(segments // 4, 3 * segments // 4)
    seen = (weights @ solved)[middle]
    return float(10.0 * np.exp(-seen.mean() * 2.0 * np.pi * k)), float(found.shell_mm[middle].mean())


@pytest.mark.parametrize("tilt", [0.0, 0.25])
@pytest.mark.parametrize(("radius", "bricks"), [(0.05, 10), (0.05, 20), (1.0, 10), (2.6, 20), (3.5, 10)])
def test_a_mesh_sees_a_vessel_where_its_contact_says(radius: float, bricks: int, tilt: float) -> None:
    seen, said = effective_radius(radius, bricks, tilt=tilt)
    assert np.log(seen / said) == pytest.approx(0.0, abs=0.11)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["1 mm, 5 cm/s", "2 mm, 8 cm/s", "6 mm, 15 cm/s"])
def test_a_heated_slab_with_a_vessel_agrees_with_the_resolved_one(name: str) -> None:
    slab = SLABS[name]
    exact, found = reference(slab), on_mesh(slab, 36)
    for (distance, height), rise in found.rises.items():
        assert rise == pytest.approx(exact.at(slab.vessel_radius + distance, height), rel=0.03)
    assert found.carried == pytest.approx(exact.carried, rel=0.06)
    assert found.carried == pytest.approx(found.lost, rel=1e-9)


@pytest.mark.slow
def test_a_wide_vessel_clips_the_zone_and_a_thin_one_hardly() -> None:
    none, thin, wide = (solved(with_vessel(diameter), "coarse") for diameter in (None, 1.0, 6.0))
    assert thin.towards_mm > 0.85 * none.towards_mm
    assert wide.towards_mm < WALL_MM
    assert wide.away_mm == pytest.approx(none.away_mm, abs=0.5)
    assert none.volume_ml - wide.volume_ml > 2.5 * (none.volume_ml - thin.volume_ml)
