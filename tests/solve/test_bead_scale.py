# SPDX-License-Identifier: LGPL-3.0-or-later
"""Drug around one bead: balance, orders, limits, and agreement with the shells of the organ scale."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from imagio_sim.pharmacy.drugs import load_drug
from imagio_sim.pharmacy.particles import load_particles
from imagio_sim.physics.bead import equilibrium_load, fickian_released_share
from imagio_sim.solve.bead_cores import Core, FickianBead, cell_radius_of
from imagio_sim.solve.bead_scale import Surroundings, UnitCell, body_share
from imagio_sim.solve.bead_shells import Shells, fewest
from imagio_sim.solve.drug_death import CellSurroundings
from imagio_sim.solve.drug_death_in_shells import DrugDeathInShells
from imagio_sim.solve.drug_depots import Beads
from imagio_sim.solve.drug_kinetics import DepotDrugState, DepotTissue, DrugKinetics, PlasmaKinetics, Step
from imagio_sim.solve.drug_vessels import ClosingVessels, VesselsInShells
from imagio_sim.tissue.death.drug import DrugDeathModel, drug_death_models
from imagio_sim.tissue.library import load_tissue

Floats = NDArray[np.float64]

HOUR, DAY = 3600.0, 86400.0
TIMES = [HOUR, 4 * HOUR, 8 * HOUR, DAY, 3 * DAY, 7 * DAY, 28 * DAY]
BEAD = Core("sphere", 80e-6, 5e-10, 6e-10, 0.0614, 4.1e-5, 0.0)
VESSEL = Core("cylinder", 80e-6, 1.5e-6, 1.8e-6, 0.0614, 4.1e-5, 0.0)
TISSUE = Surroundings(0.4, 1.17e-10, 8.8e-12, 0.83, 0.28, 8.6e-5, 4.03e-4, 0.0252, 1e-3, 1e-6, 0.0)
LYMPH = 2.3e-5
"""Drainage of liver [1/s]."""
CLOSED = replace(TISSUE, free_washout=0.0, bound_washout=0.0)
INERT = replace(CLOSED, largest_uptake=0.0)
VESSELS = ClosingVessels.of_library("doxorubicin")
BODY = PlasmaKinetics(0.25, 4e-8, 4e-11, (4e-6, 1.6e-7), (3e-11, 2e-11))


@pytest.mark.parametrize("vessels", [None, VESSELS], ids=["blood flows on", "dead tissue has no blood"])
@pytest.mark.parametrize(("core", "body"), [(BEAD, None), (VESSEL, BODY)], ids=["bead", "vessel and body"])
def test_no_drug_is_made_or_lost(core: Core, body: PlasmaKinetics | None, vessels: ClosingVessels | None) -> None:
    drained = replace(TISSUE, drainage=LYMPH)
    solution = UnitCell(core, drained, cell_radius=4e-4, body=body, vessels=vessels, elements=40).solve(TIMES)
    assert solution.balance_error < 1e-9
    assert solution.released_share[-1] > 0.8


def test_nothing_becomes_negative() -> None:
    solution = UnitCell(BEAD, TISSUE, cell_radius=8e-4, body=BODY, elements=40).solve(TIMES)
    for field in (solution.free, solution.bound, solution.cells, solution.load, solution.body):
        assert field.min() >= -1e-7 * field.max()


def test_a_closed_cell_ends_in_equilibrium_everywhere() -> None:
    cell = UnitCell(BEAD, CLOSED, cell_radius=3e-4, elements=40)
    solution = cell.solve([400 * DAY])
    free = solution.free[-1]
    assert np.ptp(free) < 1e-5 * free.mean()
    bound = equilibrium_load(free[0], capacity=BEAD.capacity, half_saturation=BEAD.half_saturation)
    assert solution.load[-1] == pytest.approx(bound, rel=1e-4, abs=0.0)
    outside = free[0] + solution.bound[-1, 0]
    assert solution.cells[-1, 0] == pytest.approx(TISSUE.efflux_half * outside / TISSUE.uptake_half, rel=1e-4, abs=0.0)


@pytest.mark.parametrize(
    ("core", "vessels"),
    [(BEAD, None), (FickianBead(8e-5, 5e-10, 1e-13, 20.0), None), (BEAD, VESSELS)],
    ids=["ions", "fick", "dying"],
)
def test_the_derivatives_are_those_of_the_rates(core: Core | FickianBead, vessels: ClosingVessels | None) -> None:
    drained = replace(TISSUE, drainage=LYMPH)
    cell = UnitCell(core, drained, cell_radius=4e-4, body=BODY, vessels=vessels, elements=6)
    size = len(cell._start())
    state = cell._scales() * np.linspace(0.3, 1.2, size)
    matrix = cell._jacobian(0.0, state).toarray()
    for column in range(size):
        step = np.zeros(size)
        step[column] = 1e-5 * state[column]
        slope = (cell._rates(0.0, state + step) - cell._rates(0.0, state - step)) / (2.0 * step[column])
        np.testing.assert_allclose(matrix[:, column], slope, atol=2e-5 * np.abs(slope).max())


@pytest.mark.parametrize(
    ("vessels", "time"),
    [(None, HOUR), pytest.param(VESSELS, 3 * DAY, marks=pytest.mark.slow)],
    ids=["early", "capillaries closing"],
)
def test_finer_elements_converge_with_second_order(vessels: ClosingVessels | None, time: float) -> None:
    released = [
        UnitCell(BEAD, TISSUE, cell_radius=5e-4, vessels=vessels, elements=count).solve([time]).released_share[0]
        for count in (15, 30, 60, 120)
    ]
    errors = np.abs(np.diff(released))
    orders = np.log2(errors[:-1] / errors[1:])
    assert np.all((orders > 1.7) & (orders < 2.3))


def test_drug_reaches_farther_with_time_and_less_far_with_blood() -> None:
    wide = {"cell_radius": 1.2e-3, "elements": 60}
    depths = [
        UnitCell(BEAD, replace(TISSUE, free_washout=rate), **wide).solve([HOUR, 8 * HOUR]).penetration_depth(1e-3)  # type: ignore[arg-type]
        for rate in (0.0, 1e-2)
    ]
    assert np.all(np.diff(depths, axis=1) > 0.0)
    assert np.all(depths[0] > depths[1])


def test_penetration_is_the_whole_tissue_or_nothing_beyond_the_thresholds() -> None:
    solution = UnitCell(BEAD, TISSUE, cell_radius=4e-4, elements=40).solve([DAY])
    assert solution.penetration_depth(0.0)[0] == pytest.approx(3.2e-4)
    assert solution.penetration_depth(1e9)[0] == 0.0


def test_what_blood_carries_away_is_in_the_plasma_before_it_is_cleared() -> None:
    solution = UnitCell(BEAD, TISSUE, cell_radius=4e-4, body=BODY, elements=40).solve([HOUR, 100 * DAY])
    assert solution.body[0, 0] > solution.body[0, 3] * 0.1
    assert solution.body[-1, 3] > 0.5 * BEAD.load


def test_a_bead_and_a_vessel_full_of_beads_hold_what_was_prescribed() -> None:
    beads, drug = load_particles("dc_bead_100_300"), load_drug("doxorubicin")
    one = Core.of_bead(beads, "doxorubicin", dose_mg_per_ml=37.5)
    assert drug.dose_of(one.dose) * beads.number_in(2.0) == pytest.approx(75.0)
    assert one.dose / one.capacity == pytest.approx(37.5 / 45.0)
    assert one.unbound / one.dose == beads.loading("doxorubicin").value("unbound_share") > 0.0
    assert one.radius == pytest.approx(0.5 * beads.loaded_diameter("doxorubicin"))
    vessel = Core.of_vessel(beads, "doxorubicin", dose_mg_per_ml=37.5, radius=1e-4)
    settled_ml = np.pi * 1e-4**2 * 1e6 / 0.8**3
    assert drug.dose_of(vessel.dose) == pytest.approx(37.5 * settled_ml)


def test_the_cell_of_a_density_has_the_tissue_of_one_core() -> None:
    sphere = cell_radius_of(1e9, radius=8e-5, shape="sphere")
    assert 4.0 / 3.0 * np.pi * (sphere**3 - 8e-5**3) == pytest.approx(1e-9)
    cylinder = cell_radius_of(1e6, radius=8e-5, shape="cylinder")
    assert np.pi * (cylinder**2 - 8e-5**2) == pytest.approx(1e-6)


def test_a_body_of_many_beads_is_shared_among_them() -> None:
    share = body_share(replace(BODY, plasma_volume=0.0177), 1e5)
    assert share.plasma_volume == pytest.approx(1.77e-7)
    assert share.unbound_share == BODY.unbound_share
    assert share.peripheral_flows[1] == pytest.approx(BODY.peripheral_flows[1] / 1e5)


def test_a_drug_in_a_tissue_of_the_library_has_the_numbers_of_both() -> None:
    hcc = Surroundings.of(load_drug("doxorubicin"), load_tissue("hcc"), plasma_flow=1e-3)
    assert hcc.interstitial_fraction == 0.4
    assert hcc.largest_uptake == pytest.approx(8.586e-20 * 1e15)
    assert hcc.bound_washout < hcc.free_washout <= 1e-3
    assert Surroundings.of(load_drug("doxorubicin"), load_tissue("hcc"), plasma_flow=0.0).free_washout == 0.0


@pytest.mark.parametrize("share_of_time", [0.003, 0.03, 0.3])
def test_a_fickian_bead_in_fluid_that_takes_everything_gives_what_the_series_says(share_of_time: float) -> None:
    bead = FickianBead(radius=1e-4, load=1e-10, diffusivity=1e-13, partition=1.0)
    time = share_of_time * bead.radius**2 / bead.diffusivity
    sink = replace(INERT, free_diffusivity=1e-7, free_washout=1e3)
    found = UnitCell(bead, sink, cell_radius=2e-4, elements=150).solve([time])
    series = fickian_released_share(np.array([time]), radius=bead.radius, diffusivity=bead.diffusivity)
    assert found.released_share == pytest.approx(series, rel=5e-3)
    assert found.balance_error < 1e-9


def test_a_fickian_bead_in_a_closed_cell_ends_with_its_partition() -> None:
    bead = FickianBead(radius=1e-4, load=1e-10, diffusivity=1e-12, partition=50.0)
    solution = UnitCell(bead, INERT, cell_radius=3e-4, elements=40).solve([HOUR, 400 * DAY])
    volume = 4.0 / 3.0 * np.pi * bead.radius**3
    assert solution.load[-1] / volume == pytest.approx(50.0 * solution.free[-1].mean(), rel=1e-3)
    assert solution.balance_error < 1e-9


def test_a_fickian_bead_slows_with_its_partition() -> None:
    free, held = (
        UnitCell(FickianBead(1e-4, 1e-10, 1e-12, partition), INERT, cell_radius=6e-4, elements=40).solve([HOUR])
        for partition in (1.0, 100.0)
    )
    assert held.released_share[0] < 0.5 * free.released_share[0]


def test_the_linear_driving_force_gives_what_a_fickian_bead_does_but_for_the_first_hours() -> None:
    beads, drug = load_particles("dc_bead_100_300"), "doxorubicin"
    one, law = Core.of_bead(beads, drug, dose_mg_per_ml=37.5), beads.exchange(drug, "diffusion")
    settled = beads.mean_volume / beads.value("packing")
    linear = replace(one, capacity=law.capacity * settled, half_saturation=law.half_saturation, exchange_rate=law.rate)
    loading = beads.loading(drug)
    sphere = FickianBead(one.radius, one.load, loading.value("bead_diffusivity"), loading.value("partition"))
    of_linear, of_sphere = (
        UnitCell(core, TISSUE, cell_radius=5e-4, elements=40).solve([HOUR, 8 * HOUR, DAY, 3 * DAY]).released_share
        for core in (linear, sphere)
    )
    np.testing.assert_allclose(of_linear, of_sphere, atol=0.1)
    np.testing.assert_allclose(of_linear[-1], of_sphere[-1], atol=0.02)
    assert of_linear[0] < of_sphere[0]


@pytest.mark.parametrize("model", drug_death_models("doxorubicin"), ids=lambda model: model.name)
def test_cells_die_from_the_bead_outwards(model: DrugDeathModel) -> None:
    solution = UnitCell(BEAD, TISSUE, cell_radius=8e-4, elements=40).solve([HOUR, DAY])
    survival = solution.survival(model, cell_density=1e15)
    assert np.all(np.diff(survival, axis=1) > -1e-9)
    assert np.all(survival[1] <= survival[0])
    assert survival[1, 0] < 0.1


def test_closer_beads_kill_more() -> None:
    left = []
    for density in (2e8, 1e9, 4e9):
        radius = cell_radius_of(density, radius=BEAD.radius, shape="sphere")
        solution = UnitCell(BEAD, TISSUE, cell_radius=radius, elements=30).solve([DAY])
        left.append(solution.mean(solution.survival(drug_death_models("doxorubicin")[0], 1e15))[0])
    assert left[0] > left[1] > left[2]


def organ_scale(cell: UnitCell, density: float, times: list[float]) -> Floats:
    """Shares of the load (3, k) in beads, tissue and body, of a node of the organ with a shelled cell."""
    core, tissue = cell.core, cell.surroundings
    assert isinstance(core, Core)
    assert cell.body is not None
    volume, ratio = np.full(1, 1.0 / density), tissue.association_rate / tissue.dissociation_rate
    conductance = tissue.interstitial_fraction * (tissue.free_diffusivity + ratio * tissue.bound_diffusivity)
    shells = Shells.around(np.array([density]), core.radius, conductance=np.array([conductance]), shape=core.shape)
    beads = Beads(core.half_saturation, core.exchange_rate, np.array([core.capacity * density]), shells.transfer)
    node = DepotTissue(
        shells=shells,
        volume=volume,
        fluid=np.array([tissue.interstitial_fraction]),
        association_rate=tissue.association_rate,
        dissociation_rate=tissue.dissociation_rate,
        free_washout=np.array([tissue.free_washout]),
        bound_washout=np.array([tissue.bound_washout]),
        drainage=np.array([tissue.drainage]),
        largest_uptake=np.array([tissue.largest_uptake]),
        uptake_half=tissue.uptake_half,
        efflux_half=np.array([tissue.efflux_half]),
    )
    kinetics = DrugKinetics(node, cell.body, [beads], total=lambda values: float(values.sum()), tolerance=5e-4)
    state = DepotDrugState.empty(1, *shells.share.shape)
    state = replace(state, depots=np.full((1, 1), core.load * density))
    acted = killing(cell.vessels, kinetics) if cell.vessels else lambda step: None
    found, now = [], 0.0
    for time in times:
        state = kinetics.advance(state, time - now, acted)
        now = time
        held = (state.free + state.bound + state.cells).sum() / density
        body = state.plasma + state.peripheral.sum() + state.cleared
        found.append([state.depots.sum() / density, held, body])
    return np.array(found).T / core.load


def killing(vessels: ClosingVessels, kinetics: DrugKinetics) -> Callable[[Step], None]:
    """What closes capillaries of a node as it does those of a unit cell."""
    share = kinetics.tissue.shells.share
    effect = DrugDeathInShells("doxorubicin", [vessels.death.name], share)
    capillaries = VesselsInShells(vessels.delay, share.shape)
    kinetics.open_during = lambda duration: capillaries.open_during(effect.surviving, duration)

    def acted(step: Step) -> None:
        before = effect.surviving
        effect.advance(CellSurroundings(step.free_mean, step.cells_mean), step.duration)
        capillaries.advance(0.5 * (before + effect.surviving), step.duration)

    return acted


@pytest.mark.parametrize("vessels", [None, VESSELS], ids=["blood flows on", "dead tissue has no blood"])
@pytest.mark.parametrize(
    ("washout", "density", "drainage"),
    [
        (1e-3, 1e9, 0.0),
        pytest.param(1e-4, 1e9, LYMPH, id="lymph"),
        pytest.param(1e-4, 3e8, 0.0, marks=pytest.mark.slow),
        pytest.param(1e-4, 2e9, 0.0, marks=pytest.mark.slow),
        pytest.param(5e-3, 3e8, LYMPH, marks=pytest.mark.slow),
        pytest.param(5e-3, 2e9, 0.0, marks=pytest.mark.slow),
    ],
)
def test_the_organ_scale_holds_the_drug_of_the_unit_cell_within_one_per_cent(
    washout: float, density: float, drainage: float, vessels: ClosingVessels | None
) -> None:
    tissue = replace(TISSUE, free_washout=washout, drainage=drainage)
    radius = cell_radius_of(density, radius=BEAD.radius, shape="sphere")
    cell = UnitCell(BEAD, tissue, cell_radius=radius, body=BODY, vessels=vessels, elements=80)
    solution = cell.solve(TIMES)
    exact = np.array([solution.load, solution.tissue_amount, solution.body.sum(axis=1)]) / BEAD.load
    np.testing.assert_allclose(organ_scale(cell, density, TIMES), exact, atol=0.01)


def test_shells_hold_the_drug_of_the_unit_cell_down_to_thirty_beads_per_millilitre_and_not_below() -> None:
    enough = fewest("sphere")
    assert enough == pytest.approx(29.84e6, rel=1e-3)
    differences = []
    for number in (1.02 * enough, 0.33 * enough):
        radius = cell_radius_of(number, radius=BEAD.radius, shape="sphere")
        cell = UnitCell(BEAD, TISSUE, cell_radius=radius, body=BODY, elements=60)
        exact = cell.solve(TIMES[:5]).load / BEAD.load
        differences.append(np.abs(organ_scale(cell, number, TIMES[:5])[0] - exact).max())
    assert differences[0] < 0.01
    assert 0.05 < differences[1] < 0.25
