# SPDX-License-Identifier: LGPL-3.0-or-later
"""Beads in a closed bath: four products with doxorubicin (DR04) and idarubicin (DR09), measured and by the model."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.integrate import solve_ivp
from scipy.optimize import brentq

from imagio_sim.pharmacy.drugs import load_drug
from imagio_sim.pharmacy.particles import load_particles
from imagio_sim.physics.bead import (
    bath_equilibrium_share,
    bath_half_saturation,
    equilibrium_concentration,
    exchange_rate_of,
    release_rate,
)
from imagio_sim.solve.bead_cores import FickianBead
from imagio_sim.solve.bead_scale import Surroundings, UnitCell

BATH_RATIO = 100.0
"""Volume of the bath by that of the beads. The abstracts do not give it: assumed, 20 to 5000 is possible."""
BATH = "log10 of the bath by the beads of DR04"
"""What cases that use the constants call it, among their unknown inputs."""
MINUTE = 60.0
UNRESISTING = 0.03
"""Rate [1/s] taken for beads that do not resist beside the apparatus: assumed, any above gives the same elution."""


@dataclass(frozen=True)
class Elution:
    """What was measured: dose bound [mg per ml of beads], share given in the end, minutes to 75 % of that."""

    particles: str
    drug: str
    dose: float
    plateau: float
    plateau_sd: float
    t75_min: float


DOXORUBICIN = (
    Elution("lifepearl_200", "doxorubicin", 40.0, 0.30, 0.05, 139.0),
    Elution("dc_bead_100_300", "doxorubicin", 40.0, 0.21, 0.02, 197.0),
    Elution("hepasphere_30_60", "doxorubicin", 40.0, 0.08, 0.03, 110.0),
    Elution("tandem_100", "doxorubicin", 40.0, 0.06, 0.00, 77.0),
)
IDARUBICIN = (
    Elution("lifepearl_200", "idarubicin", 5.0, 0.73, 0.03, 13.0),
    Elution("dc_bead_100_300", "idarubicin", 5.0, 0.74, 0.03, 24.0),
    Elution("hepasphere_30_60", "idarubicin", 5.0, 0.65, 0.06, 42.0),
    Elution("tandem_100", "idarubicin", 5.0, 0.07, 0.00, 91.0),
)


@dataclass(frozen=True)
class Exchange:
    """Beads of a product with a drug in an apparatus.

    Sites and dose bound [mol per m3 of beads], C_h [mol/m3] and k [1/s] of the beads, and what the apparatus lets pass
    from the fluid beside them to the bath, per difference in concentration and volume of beads [1/s].
    """

    capacity: float
    load: float
    half_saturation: float
    rate: float
    transfer: float

    def plateau(self, bath_ratio: float = BATH_RATIO) -> float:
        """Share given to the bath in the end."""
        return bath_equilibrium_share(
            filling=self.load / self.capacity,
            bath_ratio=bath_ratio,
            half_saturation=self.half_saturation,
            capacity=self.capacity,
        )

    def time_of(self, share: float, bath_ratio: float = BATH_RATIO) -> float:
        """Time [s] at which a share of what is given in the end has been given."""
        end = (1.0 - self.plateau(bath_ratio)) * self.load

        def rates(_: float, load: NDArray[np.float64]) -> NDArray[np.float64]:
            held = np.minimum(load, self.load)
            rate: NDArray[np.float64] = -release_rate(
                held,
                (self.load - held) / bath_ratio,
                capacity=self.capacity,
                half_saturation=self.half_saturation,
                exchange_rate=self.rate,
                transfer_rate=self.transfer,
            )
            return rate

        slowest = 60.0 / self.rate + 60.0 * self.capacity / (self.half_saturation * self.transfer)
        solved = solve_ivp(
            rates, (0.0, slowest), [self.load], method="LSODA", rtol=1e-10, atol=1e-12, dense_output=True
        )

        def missing(time: float) -> float:
            return float((self.load - solved.sol(time)[0]) / (self.load - end) - share)

        return float(brentq(missing, 0.0, solved.t[-1]))


def bound(elution: Elution) -> tuple[float, float]:
    """Sites and dose bound [mol per m3 of beads]."""
    loading = load_particles(elution.particles).loading(elution.drug)
    return loading.capacity, load_drug(elution.drug).amount_of(elution.dose) * 1e6


def calibrated(elution: Elution, bath_ratio: float = BATH_RATIO, transfer: float | None = None) -> Exchange:
    """Equilibrium from the plateau and rate from the time to 75 %: two numbers for two.

    ``transfer`` is that of the apparatus, unless another is given; where it leaves the beads no time of their own, they
    resist nothing.
    """
    through = apparatus_transfer(bath_ratio) if transfer is None else transfer
    trial = Exchange(*bound(elution), half_saturation(elution, bath_ratio), UNRESISTING, through)
    measured = elution.t75_min * MINUTE

    def too_slow(exponent: float) -> float:
        return replace(trial, rate=10.0**exponent).time_of(0.75, bath_ratio) - measured

    slow, fast = -7.0, float(np.log10(UNRESISTING))
    return trial if too_slow(fast) >= 0.0 else replace(trial, rate=10.0 ** brentq(too_slow, slow, fast, xtol=1e-6))


def apparatus_transfer(bath_ratio: float = BATH_RATIO) -> float:
    """What the apparatus of DR04 lets pass at least [1/s], per volume of beads.

    It is one for all four products, and none of them can be slower than it alone: the one that says most says how much.
    """
    return max(film(elution, bath_ratio).transfer for elution in DOXORUBICIN)


def half_saturation(elution: Elution, bath_ratio: float = BATH_RATIO) -> float:
    """Half saturation [mol/m3] that gives the plateau."""
    capacity, load = bound(elution)
    return bath_half_saturation(
        released_share=elution.plateau, filling=load / capacity, bath_ratio=bath_ratio, capacity=capacity
    )


def predicted(elution: Elution, known: Exchange, *, rate_follows: bool, bath_ratio: float = BATH_RATIO) -> Exchange:
    """Another drug in the same beads: its own equilibrium constant, and the rate of the known one or what follows.

    Of beads that do not resist no rate is known that anything could follow from: they do not resist the other either.
    """
    half = half_saturation(elution, bath_ratio)
    capacity, load = bound(elution)
    rate, transfer = known.rate, known.transfer
    if rate_follows and known.rate < UNRESISTING:
        rate = exchange_rate_of(
            known.rate,
            half_saturation=known.half_saturation,
            capacity=known.capacity,
            other_half_saturation=half,
            other_capacity=capacity,
        )
    return Exchange(capacity, load, half, rate, transfer)


def of_library(particles: str, drug: str, dose: float) -> Exchange:
    """What the pharmacy holds of beads with a drug."""
    loading = load_particles(particles).loading(drug)
    load = load_drug(drug).amount_of(dose) * 1e6
    return Exchange(
        loading.capacity, load, loading.value("half_saturation"), loading.value("exchange_rate"), apparatus_transfer()
    )


@dataclass(frozen=True)
class Film:
    """Beads without resistance of their own, behind a layer of fluid that lets pass H (C_s - C) [1/s].

    The other end of what a bath can mean: the fluid beside the beads is in equilibrium with all of their load.
    """

    capacity: float
    half_saturation: float
    transfer: float

    def time(self, load: float, released: float, bath_ratio: float | None = None) -> float:
        """Time [s] in which a share of a load [mol/m3] is given to a bath of a ratio, or to much clean fluid (None)."""
        loads = load * (1.0 - np.linspace(0.0, released, 2001))
        behind = 0.0 if bath_ratio is None else (load - loads) / bath_ratio
        beside = equilibrium_concentration(loads, capacity=self.capacity, half_saturation=self.half_saturation)
        return float(np.trapezoid(1.0 / (beside - behind), -loads) / self.transfer)


def film(elution: Elution, bath_ratio: float = BATH_RATIO) -> Film:
    """A layer that gives the measured time to 75 % in a bath."""
    (capacity, load), half = bound(elution), half_saturation(elution, bath_ratio)
    trial = Film(capacity, half, 1.0)
    time = trial.time(load, 0.75 * elution.plateau, bath_ratio)
    return Film(capacity, half, time / (elution.t75_min * MINUTE))


def behind_the_same_film(elution: Elution, known: Film, bath_ratio: float = BATH_RATIO) -> float:
    """Time [s] to 75 % of what another drug in the same beads gives, behind the layer of the known one."""
    capacity, load = bound(elution)
    other = Film(capacity, half_saturation(elution, bath_ratio), known.transfer)
    return other.time(load, 0.75 * elution.plateau, bath_ratio)


@dataclass(frozen=True)
class Fickian:
    """Beads that a drug diffuses out of: partition and diffusivity in the bead [m2/s]."""

    partition: float
    diffusivity: float


def fickian(elution: Elution, bath_ratio: float = BATH_RATIO) -> Fickian:
    """Both constants of a Fickian bead in a stirred bath, from the plateau and the time to 75 % of it.

    Without a resistance of the apparatus: the diffusivity is the least that the time allows.
    """
    particles = load_particles(elution.particles)
    radius = 0.5 * particles.loaded_diameter(elution.drug)
    bath = bath_ratio * particles.mean_volume / particles.value("packing")
    partition = (1.0 - elution.plateau) / elution.plateau * bath / (4.0 / 3.0 * np.pi * radius**3)
    trial = FickianBead(radius, 1e-10, 1e-12, partition)
    fluid = Surroundings(1.0, 1e-5, 0.0, 0.0, 1.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0)
    cell = UnitCell(trial, fluid, cell_radius=(radius**3 + 0.75 * bath / np.pi) ** (1.0 / 3.0), elements=60)
    times = np.geomspace(1e-4, 1.0, 60) * radius**2 / trial.diffusivity
    share = cell.solve([float(time) for time in times]).released_share / elution.plateau
    return Fickian(partition, trial.diffusivity * float(np.interp(0.75, share, times)) / (elution.t75_min * MINUTE))
