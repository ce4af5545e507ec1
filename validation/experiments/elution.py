# SPDX-License-Identifier: LGPL-3.0-or-later
"""Beads in a closed bath: four products with doxorubicin (DR04) and idarubicin (DR09), measured and by the model."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.integrate import solve_ivp
from scipy.optimize import brentq

from imagio_sim.pharmacy.drugs import load_drug
from imagio_sim.pharmacy.particles import load_particles
from imagio_sim.physics.bead import bath_equilibrium_share, bath_half_saturation, exchange_flux, exchange_rate_of
from imagio_sim.solve.bead_cores import FickianBead
from imagio_sim.solve.bead_scale import Surroundings, UnitCell

BATH_RATIO = 100.0
"""Volume of the bath by that of the beads. The abstracts do not give it: assumed, 20 to 500 is possible."""
MINUTE = 60.0


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
    """Beads of a product with a drug: sites and dose bound [mol per m3 of beads], C_h [mol/m3] and k [1/s]."""

    capacity: float
    load: float
    half_saturation: float
    rate: float

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

        def rates(_: float, load: np.ndarray) -> np.ndarray:
            return -exchange_flux(
                load,
                (self.load - load) / bath_ratio,
                capacity=self.capacity,
                half_saturation=self.half_saturation,
                exchange_rate=self.rate,
            )

        solved = solve_ivp(
            rates, (0.0, 60.0 / self.rate), [self.load], method="LSODA", rtol=1e-10, atol=1e-12, dense_output=True
        )

        def missing(time: float) -> float:
            return float((self.load - solved.sol(time)[0]) / (self.load - end) - share)

        return float(brentq(missing, 0.0, solved.t[-1]))


def bound(elution: Elution) -> tuple[float, float]:
    """Sites and dose bound [mol per m3 of beads]."""
    loading = load_particles(elution.particles).loading(elution.drug)
    return loading.capacity, load_drug(elution.drug).amount_of(elution.dose) * 1e6


def calibrated(elution: Elution, bath_ratio: float = BATH_RATIO) -> Exchange:
    """Equilibrium from the plateau and rate from the time to 75 %: two numbers for two."""
    half = half_saturation(elution, bath_ratio)
    trial = Exchange(*bound(elution), half, 1e-5)
    return Exchange(*bound(elution), half, 1e-5 * trial.time_of(0.75, bath_ratio) / (elution.t75_min * MINUTE))


def half_saturation(elution: Elution, bath_ratio: float = BATH_RATIO) -> float:
    """Half saturation [mol/m3] that gives the plateau."""
    capacity, load = bound(elution)
    return bath_half_saturation(
        released_share=elution.plateau, filling=load / capacity, bath_ratio=bath_ratio, capacity=capacity
    )


def predicted(elution: Elution, known: Exchange, *, rate_follows: bool, bath_ratio: float = BATH_RATIO) -> Exchange:
    """Another drug in the same beads: its own equilibrium constant, and the rate of the known one or what follows."""
    half = half_saturation(elution, bath_ratio)
    capacity, load = bound(elution)
    rate = known.rate
    if rate_follows:
        rate = exchange_rate_of(
            known.rate,
            half_saturation=known.half_saturation,
            capacity=known.capacity,
            other_half_saturation=half,
            other_capacity=capacity,
        )
    return Exchange(capacity, load, half, rate)


def of_library(particles: str, drug: str, dose: float) -> Exchange:
    """What the pharmacy holds of beads with a drug."""
    loading = load_particles(particles).loading(drug)
    load = load_drug(drug).amount_of(dose) * 1e6
    return Exchange(loading.capacity, load, loading.value("half_saturation"), loading.value("exchange_rate"))


@dataclass(frozen=True)
class Fickian:
    """Beads that a drug diffuses out of: partition and diffusivity in the bead [m2/s]."""

    partition: float
    diffusivity: float


def fickian(elution: Elution, bath_ratio: float = BATH_RATIO) -> Fickian:
    """Both constants of a Fickian bead in a stirred bath, from the plateau and the time to 75 % of it."""
    particles = load_particles(elution.particles)
    radius = 0.5 * particles.loaded_diameter(elution.drug)
    bath = bath_ratio * particles.mean_volume / particles.value("packing")
    partition = (1.0 - elution.plateau) / elution.plateau * bath / (4.0 / 3.0 * np.pi * radius**3)
    trial = FickianBead(radius, 1e-10, 1e-12, partition)
    fluid = Surroundings(1.0, 1e-5, 0.0, 0.0, 1.0, 0.0, 1.0, 1.0, 0.0, 0.0)
    cell = UnitCell(trial, fluid, cell_radius=(radius**3 + 0.75 * bath / np.pi) ** (1.0 / 3.0), elements=60)
    times = np.geomspace(1e-4, 1.0, 60) * radius**2 / trial.diffusivity
    share = cell.solve(times.tolist()).released_share / elution.plateau
    return Fickian(partition, trial.diffusivity * float(np.interp(0.75, share, times)) / (elution.t75_min * MINUTE))
