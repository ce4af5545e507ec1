# SPDX-License-Identifier: LGPL-3.0-or-later
"""Doxorubicin beads in tissue of the library, for cases that measured around them (DR01, DR03, DR06).

Nothing is fitted: beads as DR04 calibrated them, drug and tissue of the library, residual blood from the library's
perfusion with nine tenths of the arterial blood stopped, and none left where the drug has killed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from imagio_sim.campaign.validation import ValidationCase
from imagio_sim.pharmacy.drugs import load_drug
from imagio_sim.pharmacy.particles import load_particles
from imagio_sim.solve.bead_cores import Core, cell_radius_of
from imagio_sim.solve.bead_scale import Surroundings, UnitCell
from imagio_sim.solve.bead_scale_solution import BeadScaleSolution
from imagio_sim.solve.drug_kinetics import PlasmaKinetics
from imagio_sim.solve.drug_vessels import ClosingVessels
from imagio_sim.tissue.library import load_tissue
from validation.experiments.elution import BATH, BATH_RATIO

BATHS = 4
"""Samples of the bath that the calibration does not state."""
HOUR, DAY = 3600.0, 86400.0
MICROMOLAR = 1e-3
DRUG = "doxorubicin"
OCCLUSION = 0.9
"""Share of the arterial blood that is stopped, assumed."""
PLASMA_SHARE = 0.6
"""Share of blood that is plasma, from memory."""


@dataclass(frozen=True)
class Setting:
    """Beads in a tissue.

    Attributes
    ----------
    beads, tissue
        Names in the pharmacy and in the tissue library.
    beads_ml_per_100ml
        Settled beads by volume of tissue.
    vessel_radius
        Of vessels that they fill [m]; None for single beads.
    bath_ratio
        Of the bath of the calibration DR04, to which the half saturation is inverse.
    """

    beads: str
    tissue: str
    beads_ml_per_100ml: float
    vessel_radius: float | None = None
    bath_ratio: float = BATH_RATIO

    def core(self) -> Core:
        """The bead or the filled vessel."""
        particles = load_particles(self.beads)
        if self.vessel_radius is None:
            core = Core.of_bead(particles, DRUG, dose_mg_per_ml=self.dose_mg_per_ml)
        else:
            core = Core.of_vessel(particles, DRUG, dose_mg_per_ml=self.dose_mg_per_ml, radius=self.vessel_radius)
        return replace(core, half_saturation=core.half_saturation * BATH_RATIO / self.bath_ratio)

    def over_baths(self, case: ValidationCase) -> list[Setting]:
        """The same with the half saturation that each sampled bath gives to the calibration."""
        return [replace(self, bath_ratio=10.0 ** one[BATH]) for one in case.samples(BATHS, seed=11)]

    @property
    def dose_mg_per_ml(self) -> float:
        """The usual dose, per volume of settled beads."""
        return load_particles(self.beads).loading(DRUG).value("usual_load")

    def surroundings(self) -> Surroundings:
        """The tissue with the blood that is left."""
        tissue = load_tissue(self.tissue)
        left = 1.0 - OCCLUSION * tissue.value("arterial_share")
        flow = left * PLASMA_SHARE * tissue.value("perfusion_rate")
        return Surroundings.of(load_drug(DRUG), tissue, plasma_flow=flow)

    def cell(self, core: Core, surroundings: Surroundings, *, body: PlasmaKinetics | None = None) -> UnitCell:
        """The share of tissue of one core; capillaries close where the drug kills."""
        drug = load_drug(DRUG)
        dose = self.beads_ml_per_100ml * self.dose_mg_per_ml / 1e-4
        density = drug.amount_of(dose) / core.dose
        radius = cell_radius_of(density, radius=core.radius, shape=core.shape)
        vessels = ClosingVessels.of_library(DRUG)
        return UnitCell(core, surroundings, cell_radius=radius, body=body, vessels=vessels)

    def solve(self, times: list[float]) -> BeadScaleSolution:
        """With the library's numbers."""
        return self.cell(self.core(), self.surroundings()).solve(times)

    def spread(self, times: list[float]) -> Iterator[tuple[str, BeadScaleSolution]]:
        """With one number at a time at the low and the high end of its range."""
        loading = load_particles(self.beads).loading(DRUG).values
        drug, core, tissue = load_drug(DRUG).values, self.core(), self.surroundings()
        for label, value in (
            ("half_saturation", loading["half_saturation"]),
            ("exchange_rate", loading["exchange_rate"]),
        ):
            for end in (value.low, value.high):
                one: dict[str, Any] = {label: end}
                yield f"{label} {end:g}", self.cell(replace(core, **one), tissue).solve(times)
        scaled = (
            ("free_diffusivity", "free_diffusivity"),
            ("largest_uptake", "cell_uptake_maximum"),
            ("uptake_half", "uptake_half_saturation"),
            ("efflux_half", "efflux_half_saturation"),
        )
        for field, name in scaled:
            for end in (drug[name].low, drug[name].high):
                factor = (end or 0.0) / drug[name].value
                changed = replace(tissue, **{field: factor * getattr(tissue, field)})
                yield f"{name} x {factor:.2g}", self.cell(core, changed).solve(times)
        for factor in (0.0, 5.0):
            changed = replace(
                tissue, free_washout=factor * tissue.free_washout, bound_washout=factor * tissue.bound_washout
            )
            yield f"washout x {factor:g}", self.cell(core, changed).solve(times)
