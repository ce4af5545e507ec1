# SPDX-License-Identifier: LGPL-3.0-or-later
"""Exchange of a drug at one node and with the body: against an ODE solver, closed forms, and the scale of a bead."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.linalg import expm

from imagio_sim.pharmacy.drugs import load_drug
from imagio_sim.solve.bead_scale import Core, Surroundings, UnitCell
from imagio_sim.solve.bead_shells import Shells
from imagio_sim.solve.drug_depots import Beads, Oil
from imagio_sim.solve.drug_kinetics import Depot, DepotDrugState, DepotTissue, DrugKinetics, Step
from imagio_sim.tissue.death.drug import drug_death_models
from tests.solve.drugs import BODY, DAY, HOUR, Floats

VALUE = load_drug("doxorubicin").value
FLUID, CELLS, WASHOUT = 0.4, 1e15, 1.4e-3
UPTAKE = CELLS * VALUE("cell_uptake_maximum")
UPTAKE_HALF, EFFLUX_HALF = VALUE("uptake_half_saturation"), CELLS * VALUE("efflux_half_saturation")
BIND, FREE = VALUE("association_rate"), VALUE("dissociation_rate")
NOWHERE = replace(BODY, plasma_volume=1e6, clearance=0.0, peripheral_flows=(0.0, 0.0))
"""A body so large that nothing comes back from it."""


def tissue(count: int = 1, shells: Shells | None = None, **changes: Any) -> DepotTissue:
    """Tumour without drainage; one cubic metre per node."""
    ones = np.ones(count)
    made = DepotTissue(
        shells=Shells.none(count) if shells is None else shells,
        volume=ones,
        fluid=FLUID * ones,
        association_rate=BIND,
        dissociation_rate=FREE,
        free_washout=WASHOUT * ones,
        bound_washout=0.0 * ones,
        drainage=0.0 * ones,
        largest_uptake=UPTAKE * ones,
        uptake_half=UPTAKE_HALF,
        efflux_half=EFFLUX_HALF * ones,
    )
    return replace(made, **changes)


def kinetics(where: DepotTissue, *depots: Depot, body: Any = NOWHERE, tolerance: float = 2e-3) -> DrugKinetics:
    return DrugKinetics(where, body, depots, total=lambda values: float(values.sum()), tolerance=tolerance)


def ignored(step: Step) -> None:
    """What happens during a step is of no interest."""


def released_slowly(rate: float = 4e-5) -> Oil:
    return Oil(rate, np.zeros(1))


def exact(load: float, times: Floats) -> Floats:
    """Amounts (4, k) in free, bound, cells and a first-order depot."""

    def rates(_: float, state: Floats) -> list[float]:
        free, bound, cells, depot = state
        held = (free + bound) / FLUID
        per_amount = UPTAKE / (held + UPTAKE_HALF) / FLUID
        efflux = UPTAKE * cells / (cells + EFFLUX_HALF)
        bind, out = BIND * free - FREE * bound, 4e-5 * depot
        into = per_amount * (free + bound)
        return [
            out - bind - per_amount * free + efflux - WASHOUT * free / FLUID,
            bind - per_amount * bound,
            into - efflux,
            -out,
        ]

    solved = solve_ivp(
        rates, (0.0, times[-1]), [0.0, 0.0, 0.0, load], method="Radau", rtol=1e-9, atol=1e-14 * load, t_eval=times
    )
    return np.asarray(solved.y)


def test_release_binding_uptake_and_washout_follow_the_equations_over_two_weeks() -> None:
    times = np.array([HOUR, 8 * HOUR, DAY, 7 * DAY, 14 * DAY])
    wanted, load = exact(0.05, times), 0.05
    solver = kinetics(tissue(), released_slowly())
    state, before = replace(DepotDrugState.empty(1, 1, 1), depots=np.array([[load]])), 0.0
    for column, time in enumerate(times):
        state, before = solver.advance(state, time - before, ignored), time
        held = np.array([state.free[0, 0], state.bound[0, 0], state.cells[0, 0], state.depots[0, 0]])
        assert np.abs(held - wanted[:, column]).max() < 2e-3 * load
    assert solver.steps < 250


def test_a_step_is_of_second_order_where_nothing_is_stiff() -> None:
    """Washout and efflux alone, in steps shorter than either."""
    slow = tissue(largest_uptake=np.zeros(1), association_rate=0.0)
    solver, errors = kinetics(slow), []
    for steps in (8, 16, 32):
        state = replace(DepotDrugState.empty(0, 1, 1), free=np.ones((1, 1)))
        duration = 300.0 / steps
        for _ in range(steps):
            whole, halves = solver._ended(state, duration), solver._halves(state, duration)
            state = solver._extrapolated(state, whole, halves, duration).state
        errors.append(abs(state.free[0, 0] - np.exp(-WASHOUT / FLUID * 300.0)))
    assert 1.8 < np.log2(errors[-2] / errors[-1]) < 2.3


def test_amounts_stay_positive_and_their_sum_as_it_is_in_steps_of_any_length() -> None:
    generator = np.random.default_rng(4)
    count = 40
    shells = Shells.around(np.full(count, 5e9), 8e-5, conductance=np.full(count, 5e-11), shape="sphere")
    where = tissue(count, shells, free_washout=generator.uniform(0.0, 0.05, count))
    beads = Beads(0.06, 4e-5, np.full(count, 3.0), shells.transfer)
    solver = kinetics(where, beads, body=BODY, tolerance=1e9)
    start = replace(DepotDrugState.empty(1, *shells.share.shape), depots=generator.uniform(0.0, 2.5, (1, count)))
    for duration in (1.0, 1e3, 1e6):
        solver.duration = duration
        state = solver.advance(start, duration, ignored)
        everywhere = (state.depots, state.free, state.bound, state.cells, state.peripheral)
        assert min(values.min() for values in everywhere) >= 0.0
        assert min(state.plasma, state.cleared) >= 0.0
        assert solver.amount(state) == pytest.approx(solver.amount(start), rel=1e-12)


def test_a_body_without_tissue_follows_its_matrix_exponential() -> None:
    solver = kinetics(tissue(free_washout=np.zeros(1)), body=BODY, tolerance=1e-4)
    state = solver.advance(replace(DepotDrugState.empty(0, 1, 1), plasma=1e-4), 6 * HOUR, ignored)
    out = np.array([*BODY.peripheral_flows, BODY.clearance]) / BODY.plasma_volume
    back = np.array(BODY.peripheral_flows) / np.array(BODY.peripheral_volumes)
    matrix = np.array(
        [[-out.sum(), *back, 0.0], [out[0], -back[0], 0.0, 0.0], [out[1], 0.0, -back[1], 0.0], [out[2], 0.0, 0.0, 0.0]]
    )
    wanted = 1e-4 * expm(6 * HOUR * matrix)[:, 0]
    assert np.array([state.plasma, *state.peripheral, state.cleared]) == pytest.approx(wanted, rel=2e-3)


def test_what_is_cleared_is_the_clearance_times_the_area_under_the_plasma_concentration() -> None:
    areas = []
    solver = kinetics(tissue(volume=np.full(1, 1e-5)), released_slowly(), body=BODY)
    start = replace(DepotDrugState.empty(1, 1, 1), depots=np.array([[5.0]]))
    state = solver.advance(start, 10 * DAY, lambda step: areas.append(step.plasma_mean * step.duration))
    assert state.cleared == pytest.approx(BODY.clearance * sum(areas), rel=1e-6)


def test_plasma_and_tissue_come_to_the_same_unbound_concentration() -> None:
    solver = kinetics(tissue(largest_uptake=np.zeros(1), volume=np.full(1, 1e-3)), body=replace(BODY, clearance=0.0))
    state = solver.advance(replace(DepotDrugState.empty(0, 1, 1), plasma=1e-6), 1e8, ignored)
    unbound = BODY.unbound_share * state.plasma / BODY.plasma_volume
    assert state.free[0, 0] / FLUID == pytest.approx(unbound, rel=1e-3)


@pytest.mark.parametrize(
    ("per_ml", "washout"),
    [
        pytest.param(5000.0, 1.4e-3, id="dense"),
        pytest.param(5000.0, 1e-4, id="embolised", marks=pytest.mark.slow),
        pytest.param(500.0, 1.4e-3, id="sparse", marks=pytest.mark.slow),
        pytest.param(5000.0, 1e-2, id="perfused", marks=pytest.mark.slow),
    ],
)
def test_drug_is_where_the_resolved_scale_of_a_bead_has_it_within_one_percent_of_the_load(
    per_ml: float, washout: float
) -> None:
    radius, load, capacity = 8e-5, 4.5e-10, 5.4e-10
    binding = BIND / FREE
    surroundings = Surroundings(
        interstitial_fraction=FLUID,
        free_diffusivity=VALUE("free_diffusivity"),
        bound_diffusivity=VALUE("bound_diffusivity"),
        association_rate=BIND,
        dissociation_rate=FREE,
        largest_uptake=UPTAKE,
        uptake_half=UPTAKE_HALF,
        efflux_half=EFFLUX_HALF,
        free_washout=washout,
        bound_washout=0.0,
        drainage=0.0,
    )
    cell = UnitCell(
        Core("sphere", radius, load, capacity, 0.06142, 4.12e-5, 0.0),
        surroundings,
        cell_radius=(radius**3 + 3.0 / (4.0 * np.pi * 1e6 * per_ml)) ** (1.0 / 3.0),
    )
    times = np.array([HOUR, 8 * HOUR, DAY, 7 * DAY])
    resolved, number = cell.solve(list(times)), 1.0 / cell.tissue_volume
    conductance = FLUID * (VALUE("free_diffusivity") + binding * VALUE("bound_diffusivity"))
    shells = Shells.around(np.array([number]), radius, conductance=np.array([conductance]), shape="sphere")
    beads = Beads(0.06142, 4.12e-5, np.array([capacity * number]), shells.transfer)
    solver = kinetics(tissue(1, shells, free_washout=np.array([washout])), beads, tolerance=1.5e-3)
    state = replace(DepotDrugState.empty(1, *shells.share.shape), depots=np.array([[load * number]]))
    (model, *_), effect = drug_death_models("doxorubicin"), [np.zeros(shells.share.shape)]

    def acted(step: Step) -> None:
        effect[0] = model.advance(effect[0], step.free_mean, step.free_mean, step.duration)

    before = 0.0
    for number_of_time, time in enumerate(times):
        state, before = solver.advance(state, time - before, acted), time
        held = np.array([state.depots.sum(), (state.free + state.bound + state.cells).sum(), state.plasma])
        wanted = [resolved.load[number_of_time], resolved.tissue_amount[number_of_time]]
        wanted.append(float(resolved.body[number_of_time].sum()))
        assert np.abs(held / (load * number) - np.array(wanted) / load).max() < 0.01
    survives = float((model.survival(effect[0]) * shells.share).sum())
    assert survives == pytest.approx(float(resolved.mean(resolved.survival(model, CELLS))[-1]), abs=0.015)


def test_shells_around_beads_hold_all_tissue_and_reach_half_way_to_the_next_bead() -> None:
    number = np.array([1e9, 1e6])
    shells = Shells.around(number, 8e-5, conductance=np.full(2, 5e-11), shape="sphere")
    assert shells.share.sum(axis=0) == pytest.approx(1.0)
    outer = (8e-5**3 + 3.0 / (4.0 * np.pi * number)) ** (1.0 / 3.0)
    assert 0.8 * outer[0] < shells.distances[-1, 0] + 8e-5 < outer[0]
    assert shells.distances[-1, 1] < 2e-3 < outer[1]


def test_beads_and_clean_fluid_exchange_as_the_law_of_the_bead_says() -> None:
    from imagio_sim.physics.bead import release_rate

    beads = Beads(0.06, 4e-5, np.array([0.0, 3.0, 3.0]), np.array([0.0, 5e-4, 5e-4]))
    load, concentration = np.array([0.0, 2.0, 0.5]), np.array([0.01, 0.01, 0.2])
    out, lost, back = beads.rates(load, concentration)
    law = release_rate(
        load[1:], concentration[1:], capacity=3.0, half_saturation=0.06, exchange_rate=4e-5, transfer_rate=5e-4
    )
    assert out * load - back * concentration == pytest.approx([0.0, *law])
    assert lost.max() == 0.0
    assert law[1] < 0.0


def test_droplets_that_blood_carries_away_give_their_drug_at_the_rate_of_the_emulsion() -> None:
    """M' = -(k + w) M and E' = w M - k E, so that depot and droplets hold M_0 exp(-k t) together."""
    release, washout, load, duration = 2e-5, 5e-6, 0.3, 2.0 * DAY
    solver = kinetics(tissue(), Oil(release, np.array([washout])), tolerance=1e-4)
    start = replace(DepotDrugState.empty(1, 1, 1), depots=np.array([[load]]))
    state = solver.advance(start, duration, ignored)
    volume = solver.tissue.volume[0]
    left = load * volume * np.exp(-release * duration)
    assert state.depots[0, 0] * volume == pytest.approx(left * np.exp(-washout * duration), rel=2e-3)
    assert state.afloat[0] == pytest.approx(left * (1.0 - np.exp(-washout * duration)), rel=2e-3)
    assert solver.amount(state) == pytest.approx(load * volume, rel=1e-12)
    assert state.plasma > 0.0


def test_tissue_without_open_vessels_loses_neither_dissolved_drug_nor_droplets() -> None:
    """Half of the shells are dead: they keep what is dissolved, and half of the droplets are carried away."""
    washout, drainage, hour = 1e-5, 3e-5, HOUR
    shells = Shells(np.full((2, 1), 0.5), np.zeros((1, 1)), np.zeros(1), np.zeros((2, 1)))
    still = tissue(1, shells, free_washout=np.zeros(1), largest_uptake=np.zeros(1), drainage=np.full(1, drainage))
    solver = kinetics(replace(still, association_rate=0.0), Oil(0.0, np.full(1, washout)), tolerance=1e-5)
    solver.open_during = lambda _: np.array([[0.0], [1.0]])
    start = replace(DepotDrugState.empty(1, 2, 1), depots=np.ones((1, 1)), free=np.ones((2, 1)))
    state = solver.advance(start, hour, ignored)
    assert state.free[0, 0] == 1.0
    assert state.free[1, 0] == pytest.approx(np.exp(-drainage / FLUID * hour), rel=1e-3)
    assert state.depots[0, 0] == pytest.approx(np.exp(-0.5 * washout * hour), rel=1e-3)
    assert solver.amount(state) == pytest.approx(solver.amount(start), rel=1e-12)
