# SPDX-License-Identifier: LGPL-3.0-or-later
"""The bioheat step through freezing and thawing, against similarity solutions (AN03, AN04) and its own books."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pytest
from scipy.special import erf, erfc, exp1, expi

from imagio_sim.meshing.domain import Domain
from imagio_sim.meshing.phantoms import half_plane
from imagio_sim.solve.discretisation import Discretisation, EdgeOperators
from imagio_sim.solve.heat import ConductivityLaw, Exchange, HeatProblem
from imagio_sim.solve.materials import NodalEnthalpy
from imagio_sim.tissue.arithmetic import NUMPY
from imagio_sim.tissue.enthalpy import Enthalpy, Transition
from imagio_sim.tissue.laws import freezing_conductivity, frozen_fraction, mean_frozen_fraction
from tests.solve.conftest import Floats, discretised, observed_order, surface_nodes

MUSHY_RANGE = 0.2


@dataclass(frozen=True)
class Material:
    """What freezes at ``melting`` [degC], volumetric heat capacities [J/(m3 K)] and latent heat [J/m3]."""

    melting: float
    frozen_conductivity: float
    wet_conductivity: float
    frozen_capacity: float
    wet_capacity: float
    latent_heat: float
    mushy_range: float = MUSHY_RANGE

    @property
    def start(self) -> float:
        return self.melting + 0.5 * self.mushy_range

    def enthalpy(self) -> Enthalpy:
        freezing = Transition(self.start - self.mushy_range, self.start, self.latent_heat)
        return Enthalpy((self.frozen_capacity, self.wet_capacity), (freezing,))

    def conductivity(self, operators: EdgeOperators) -> ConductivityLaw:
        def law(temperature: Floats) -> Floats:
            corners = temperature[operators.discretisation.cells]
            ice = mean_frozen_fraction(
                corners.min(axis=1),
                corners.max(axis=1),
                freezing_start=self.start,
                freezing_width=self.mushy_range,
                xp=NUMPY,
            )
            rise = self.frozen_conductivity - self.wet_conductivity
            return np.asarray(freezing_conductivity(ice, unfrozen=self.wet_conductivity, rise=rise))

        return law

    def ice(self, temperature: Floats) -> Floats:
        return np.asarray(
            frozen_fraction(temperature, freezing_start=self.start, freezing_width=self.mushy_range, xp=NUMPY)
        )


class Bench:
    """A domain of one material that starts at 37 degC; ``stored`` and ``lost`` [J] are its books."""

    def __init__(self, domain: Domain, material: Material, fixed: Mapping[str, float], *, start: float) -> None:
        self.space: Discretisation = discretised(domain)
        self.operators, self.material = EdgeOperators(self.space), material
        self.volume = self.operators.distributed(np.ones(self.space.cell_count))
        values = np.full(self.space.count, start)
        for surface, value in fixed.items():
            values[surface_nodes(self.space, domain, surface)] = value
        self.problem = HeatProblem(
            self.operators,
            NodalEnthalpy(material.enthalpy(), self.volume),
            fixed_nodes=surface_nodes(self.space, domain, *fixed),
            fixed_temperature=values,
            tolerance=1e-9,
            nonlinear_tolerance=1e-3,
            reference=start,
        )
        self.temperature = self.problem.with_fixed(np.full(self.space.count, start))
        self.stored = self.lost = self.given_off = 0.0

    def step(self, duration: float, *, load: Floats | None = None, exchange: Exchange | None = None) -> None:
        done = self.problem.step(
            self.temperature,
            duration,
            guesses=[self.temperature, self.temperature],
            conductivity=self.material.conductivity(self.operators),
            exchanges={} if exchange is None else {"wall": exchange},
            load=np.zeros(self.space.count) if load is None else load,
        )
        self.temperature = done.temperature
        self.stored += done.stored
        self.lost += sum(done.lost.values())
        self.given_off += abs(done.stored)

    @property
    def frozen_volume(self) -> float:
        return self.space.node_sum(self.volume * self.material.ice(self.temperature))


def growing_steps(times: tuple[float, ...], growth: float, longest: float = np.inf) -> Iterator[tuple[float, float]]:
    """Steps (end, duration) in proportion to the time passed, as similarity solutions want them, through ``times``."""
    now = 0.0
    for goal in times:
        while now < goal - 1e-9:
            duration = min(growth * now + 0.02, longest, goal - now)
            now += duration
            yield now, duration


def slab(cells: int, length_mm: float = 120.0) -> Domain:
    """A strip one cell wide; its frozen volume per cross-section is the place of the front."""
    return replace(half_plane(length_mm, length_mm / cells, cells, 1), axisymmetric=False)


TIMES = (60.0, 300.0, 600.0, 900.0)
NEUMANN = {
    "250 kJ/kg": (250e3, 0.5119873626, (7.988596, 17.863044, 25.262158, 30.939699)),
    "149 kJ/kg": (149e3, 0.5788091781, (9.031224, 20.194431, 28.559238, 34.977780)),
}
WALL, INITIAL = -140.0, 37.0


def liver_like(latent_heat: float) -> Material:
    """AN03: density 1060 kg/m3, freezing at -1 degC."""
    return Material(-1.0, 2.0, 0.52, 1060.0 * 1860.0, 1060.0 * 3600.0, 1060.0 * latent_heat)


def neumann_temperature(material: Material, root: float, place: Floats, time: float) -> Floats:
    """Two-phase similarity solution of Neumann at ``place`` [m] from the wall."""
    frozen = material.frozen_conductivity / material.frozen_capacity
    wet = material.wet_conductivity / material.wet_capacity
    cold = WALL + (material.melting - WALL) * erf(place / (2.0 * np.sqrt(frozen * time))) / erf(root)
    outer = erfc(place / (2.0 * np.sqrt(wet * time))) / erfc(root * np.sqrt(frozen / wet))
    warm = INITIAL - (INITIAL - material.melting) * outer
    return np.where(place < 2.0 * root * np.sqrt(frozen * time), cold, warm)


@pytest.mark.parametrize("longest", [5.0, 40.0])
@pytest.mark.parametrize("case", NEUMANN)
def test_planar_front_is_where_neumann_has_it(case: str, longest: float) -> None:
    latent_heat, _, fronts_mm = NEUMANN[case]
    bench = Bench(slab(480), liver_like(latent_heat), {"axis": WALL, "side": INITIAL}, start=INITIAL)
    width = 120e-3 / 480
    found = {}
    for now, duration in growing_steps(TIMES, 0.05, longest):
        bench.step(duration)
        found[round(now, 6)] = bench.frozen_volume / width * 1e3
    np.testing.assert_allclose([found[time] for time in TIMES], fronts_mm, rtol=0.01)
    assert abs(bench.stored + bench.lost) < 1e-4 * bench.given_off


def neumann_error(case: str, cells: int) -> float:
    """Mean error [K] over the slab and over the times of many steps, which shrink with the cells."""
    latent_heat, root, _ = NEUMANN[case]
    material = liver_like(latent_heat)
    bench = Bench(slab(cells), material, {"axis": WALL, "side": INITIAL}, start=INITIAL)
    errors = []
    for now, duration in growing_steps((600.0,), 6.0 / cells):
        bench.step(duration)
        if now > 60.0:
            exact = neumann_temperature(material, root, bench.space.points[:, 0], now)
            errors.append(bench.space.node_sum(bench.volume * np.abs(bench.temperature - exact)))
    return float(np.mean(errors) / bench.space.node_sum(bench.volume))


@pytest.mark.parametrize("case", NEUMANN)
def test_error_of_the_planar_front_falls_with_the_cell_size(case: str) -> None:
    errors = [neumann_error(case, cells) for cells in (60, 120, 240)]
    assert 1.1 <= observed_order(errors[:2]) <= 1.7, errors
    assert 1.1 <= observed_order(errors) <= 1.7, errors


def line_sink_temperature(radius: Floats, time: float) -> Floats:
    """AN04: T [degC] around a line that takes 10 kW/m (Hahn and Ozisik), k 2.22 W/(m K), both phases alike."""
    diffusivity, root = 2.22 / 1.762e6, 0.8288040858
    scaled = radius**2 / (4.0 * diffusivity * time)
    cold = 1e4 / (4.0 * np.pi * 2.22) * (expi(-scaled) - expi(-(root**2)))
    warm = 36.85 - (310.0 - 273.0) * exp1(scaled) / exp1(root**2)
    return np.where(scaled < root**2, -0.15 + cold, warm)


def test_front_around_a_line_sink_is_where_the_closed_form_has_it() -> None:
    height_mm, cells, reach_mm = 0.5, 400, 200.0
    material = Material(-0.15, 2.22, 2.22, 1.762e6, 1.762e6, 1000.0 * 3.38e5)
    domain = half_plane(reach_mm, height_mm, cells, 1)
    bench = Bench(domain, material, {"side": 36.85}, start=36.85)
    load = np.zeros(bench.space.count)
    load[surface_nodes(bench.space, domain, "axis")] = -1e4 * height_mm * 1e-3 / 2.0
    found = {}
    for now, duration in growing_steps((60.0, 300.0, 600.0), 0.03):
        bench.step(duration, load=load)
        found[round(now, 6)] = np.sqrt(bench.frozen_volume / (np.pi * height_mm * 1e-3)) * 1e3
    np.testing.assert_allclose(
        [found[time] for time in (60.0, 300.0, 600.0)], (14.412225, 32.226715, 45.575478), rtol=0.015
    )
    radius = bench.space.points[:, 0]
    beyond = (radius > 5e-3) & (radius < 100e-3)
    exact = line_sink_temperature(radius[beyond], 600.0)
    np.testing.assert_allclose(bench.temperature[beyond], exact, atol=1.5)


@pytest.mark.parametrize("mushy_range", [0.05, 0.2, 7.0])
def test_freezing_and_thawing_keep_the_books(mushy_range: float) -> None:
    material = replace(liver_like(149e3), mushy_range=mushy_range)
    domain = slab(120, 60.0)
    bench = Bench(domain, material, {"side": INITIAL}, start=INITIAL)
    wall = bench.operators.surface_share(bench.space.facets_of(domain.surfaces["axis"])) * 3000.0
    volumes = []
    for length, outside in ((300.0, -140.0), (120.0, 15.0), (300.0, -140.0), (2880.0, 40.0)):
        for _, duration in growing_steps((length,), 0.1, 20.0):
            bench.step(duration, exchange=Exchange(wall, outside))
        volumes.append(bench.frozen_volume)
    assert abs(bench.stored + bench.lost) < 1e-4 * bench.given_off
    first, thawing, second, thawed = volumes
    assert thawing < first < second
    assert thawed < 1e-3 * second
