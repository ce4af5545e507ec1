# SPDX-License-Identifier: LGPL-3.0-or-later
"""Liposomes given up to a stage: what the pharmacy says of them and of their drug, in this body and these tissues."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import log

import numpy as np
from numpy.typing import NDArray

from imagio_sim.campaign.modalities.setting import ActiveInfusion, StageSetting
from imagio_sim.pharmacy.drugs import Drug
from imagio_sim.pharmacy.liposomes import Formulation, TemperatureTable
from imagio_sim.physics.liposomes import BodyKinetics
from imagio_sim.plan.infusions import Liposomes
from imagio_sim.solve.sources import SourceSpec
from imagio_sim.solve.sources.liposomes import DrugExchange, LiposomeSpec, RateTable
from imagio_sim.tissue import property_table
from imagio_sim.tissue.death.drug import drug_death_models

Floats = NDArray[np.float64]

MODALITY = "liposomes"
CAPILLARY_BED = (
    "plasma_fraction",
    "interstitial_fraction",
    "vessel_surface_density",
    "vessel_permeability_ratio",
    "cell_density",
)
"""What a perfused tissue has to have."""
PASSABLE = "passable_surface"
ADULT = "human_adult"
"""The species of the data."""
# Share of the drug that body temperature alone releases within an hour, from which on a planner is warned.
_MUCH_LEAKED = 0.2
_HOUR = 3600.0


def sources(setting: StageSetting) -> tuple[SourceSpec, ...]:
    """Every infusion of liposomes by itself."""
    return tuple(_infused(setting, one) for one in setting.infusions(MODALITY))


def _infused(setting: StageSetting, active: ActiveInfusion) -> LiposomeSpec:
    infusion = active.infusion
    assert isinstance(infusion, Liposomes)
    pharmacy = setting.scenario.pharmacy
    formulation = pharmacy.liposomes(infusion.formulation)
    drug = pharmacy.drug(formulation.drug)
    drug_death_models(drug.name)  # refuses a drug whose effect nothing is known of
    body = body_kinetics(formulation, drug, setting.body_size, setting.scenario.patient.body_temperature)
    bed = _capillary_bed(setting)
    return LiposomeSpec(
        infusion=active.name,
        drug=drug.name,
        amount=drug.amount_of(infusion.drug_mass),
        unencapsulated_share=formulation.value("unencapsulated_share"),
        mass_per_amount=1e6 * drug.value("dose_molar_mass"),
        begin=-active.elapsed,
        duration=infusion.infusion_time,
        body=body,
        release=rate_table(formulation.release_rate),
        permeability=rate_table(formulation.vessel_permeability),
        exchange=exchange_of(drug),
        plasma_fraction=bed["plasma_fraction"],
        interstitial_fraction=bed["interstitial_fraction"],
        vessel_surface=bed["vessel_surface_density"],
        passable_surface=bed[PASSABLE],
        cell_density=bed["cell_density"],
        haematocrit=setting.constants["haematocrit"],
        target=setting.cell_target(),
        notes=tuple(_notes(setting, active.name, infusion, body)),
    )


def body_kinetics(formulation: Formulation, drug: Drug, size: float, body_temperature: float) -> BodyKinetics:
    """Kinetics at a temperature [degC] in a body of a mass relative to the one that the data are of.

    Volumes and clearances go with its mass.
    """
    leakage = float(rate_table(formulation.release_rate).at(np.array([body_temperature]))[0])
    return BodyKinetics(
        encapsulated_volume=size * formulation.value("distribution_volume"),
        encapsulated_uptake=max(log(2.0) / formulation.value("half_life") - leakage, 0.0),
        leakage=leakage,
        free_volume=size * drug.value("plasma_volume"),
        clearance=size * drug.value("plasma_clearance"),
        shallow_volume=size * drug.value("peripheral_volume_2"),
        shallow_flow=size * drug.value("peripheral_clearance_2"),
        deep_volume=size * drug.value("peripheral_volume_1"),
        deep_flow=size * drug.value("peripheral_clearance_1"),
    )


def rate_table(table: TemperatureTable) -> RateTable:
    """A table of the pharmacy as the solver takes it."""
    return RateTable(table.temperatures, table.numbers)


def exchange_of(drug: Drug) -> DrugExchange:
    """How a drug of the pharmacy passes vessel walls and membranes."""
    association, dissociation = drug.value("association_rate"), drug.value("dissociation_rate")
    return DrugExchange(
        free_permeability=drug.value("free_vessel_permeability"),
        bound_permeability=drug.value("bound_vessel_permeability"),
        plasma_bound_share=drug.value("plasma_bound_share"),
        interstitium_bound_share=association / (association + dissociation),
        uptake_maximum=drug.value("cell_uptake_maximum"),
        uptake_half=drug.value("uptake_half_saturation"),
        return_half=drug.value("efflux_half_saturation"),
    )


def _capillary_bed(setting: StageSetting) -> Mapping[str, Floats]:
    """The properties ``CAPILLARY_BED`` and their product per cell (m,), of its tissues by volume; zero without blood.

    A tissue that has only some of them is refused.
    """
    sampled, known = setting.geometry.sampled, _exchanging(setting)
    table = property_table([setting.scenario.tissue(sampled.tissues[one]) for one in known], CAPILLARY_BED)
    table[PASSABLE] = table["vessel_surface_density"] * table["vessel_permeability_ratio"]
    return {name: sampled.fractions[:, known] @ column for name, column in table.items()}


def _exchanging(setting: StageSetting) -> list[int]:
    """Columns of the tissues in the region that are perfused and whose capillaries something is known of."""
    return [one for one in _perfused(setting) if _is_known(setting, one)]


def _perfused(setting: StageSetting) -> list[int]:
    sampled = setting.geometry.sampled
    present = np.flatnonzero(sampled.fractions.max(axis=0) > 0.0)
    return [int(one) for one in present if setting.scenario.tissue(sampled.tissues[one]).value("perfusion_rate") > 0.0]


def _is_known(setting: StageSetting, column: int) -> bool:
    values = setting.scenario.tissue(setting.geometry.sampled.tissues[column]).values
    return any(name in values for name in CAPILLARY_BED)


def _notes(setting: StageSetting, name: str, infusion: Liposomes, body: BodyKinetics) -> Iterator[str]:
    species = setting.scenario.patient.species
    if setting.scenario.plan(setting.plan_name).weighing is None and species not in (None, ADULT):
        yield f"{name}: plasma volumes and clearances are those of an adult, not of a {species}: give body_mass"
    leaked = 1.0 - float(np.exp(-_HOUR * body.leakage))
    if leaked > _MUCH_LEAKED:
        yield f"{name}: at body temperature the liposomes lose {leaked:.0%} of their drug within an hour"
    unknown = [one for one in _perfused(setting) if not _is_known(setting, one)]
    if unknown:
        tissues = ", ".join(
            sorted(setting.scenario.tissue(setting.geometry.sampled.tissues[one]).name for one in unknown)
        )
        yield f"{name}: no drug is given to {tissues}, of whose capillaries nothing is known"
