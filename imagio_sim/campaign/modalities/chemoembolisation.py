# SPDX-License-Identifier: LGPL-3.0-or-later
"""Drugs that were given with beads or in oil up to a stage, and the organ they are in; one source per drug."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from imagio_sim.campaign.infusions.infused_patient import fed_tissues
from imagio_sim.campaign.modalities.embolisation import perfusion_factor
from imagio_sim.campaign.modalities.setting import ActiveInfusion, StageSetting
from imagio_sim.pharmacy.drugs import Drug
from imagio_sim.plan.infusions import DrugElutingBeads, OilEmulsion
from imagio_sim.solve.drug_depots import AnyDepot, BeadDepot, DrugConstants, EmulsionDepot, OrganTissue
from imagio_sim.solve.drug_kinetics import PlasmaKinetics
from imagio_sim.solve.drug_vessels import DELAY as VESSEL_DELAY
from imagio_sim.solve.sources import SourceSpec
from imagio_sim.solve.sources.drug import DrugSpec
from imagio_sim.tissue import property_table
from imagio_sim.tissue.death.drug import drug_death_models

Floats = NDArray[np.float64]

MODALITY = "chemoembolisation"
INTERSTITIUM = (
    "interstitial_fraction",
    "interstitial_diffusivity_ratio",
    "vessel_surface_density",
    "vessel_permeability_ratio",
    "cell_density",
    "hydraulic_conductivity",
    "filtration_conductance",
    "filtration_pressure",
    "lymphatic_conductance",
)
"""What every tissue of the organ has to have."""


def sources(setting: StageSetting) -> tuple[SourceSpec, ...]:
    """One source for each drug that has been given."""
    active = setting.infusions(MODALITY)
    drugs = dict.fromkeys(_drug_of(one) for one in active)
    return tuple(_given(setting, name, [one for one in active if _drug_of(one) == name]) for name in drugs)


def _drug_of(active: ActiveInfusion) -> str:
    assert isinstance(active.infusion, DrugElutingBeads | OilEmulsion)
    return active.infusion.drug


def _given(setting: StageSetting, name: str, active: Sequence[ActiveInfusion]) -> DrugSpec:
    drug = setting.scenario.pharmacy.drug(name)
    drug_death_models(name)  # refuses a drug whose effect nothing is known of
    return DrugSpec(
        drug=name,
        molar_mass=drug.value("molar_mass"),
        mass_per_amount=1e6 * drug.value("dose_molar_mass"),
        depots=tuple(_depot(setting, one) for one in active),
        exchange=drug_constants(drug),
        body=plasma_kinetics(drug, setting.body_size),
        tissue=_organ(setting, active),
        haematocrit=setting.constants["haematocrit"],
        target=setting.cell_target(),
        vessel_delay=setting.constants[VESSEL_DELAY],
    )


def drug_constants(drug: Drug) -> DrugConstants:
    """How a drug moves, binds and enters cells; refused where one of the numbers is not known."""
    return DrugConstants(
        free_diffusivity=drug.value("free_diffusivity"),
        bound_diffusivity=drug.value("bound_diffusivity"),
        association_rate=drug.value("association_rate"),
        dissociation_rate=drug.value("dissociation_rate"),
        free_permeability=drug.value("free_vessel_permeability"),
        bound_permeability=drug.value("bound_vessel_permeability"),
        uptake_maximum=drug.value("cell_uptake_maximum"),
        uptake_half=drug.value("uptake_half_saturation"),
        efflux_half=drug.value("efflux_half_saturation"),
    )


def plasma_kinetics(drug: Drug, size: float = 1.0) -> PlasmaKinetics:
    """How a body distributes and clears a drug; volumes and clearances go with its mass relative to the data's."""
    compartments = (1, 2)
    return PlasmaKinetics(
        unbound_share=1.0 - drug.value("plasma_bound_share"),
        plasma_volume=size * drug.value("plasma_volume"),
        clearance=size * drug.value("plasma_clearance"),
        peripheral_volumes=_pair(size * drug.value(f"peripheral_volume_{one}") for one in compartments),
        peripheral_flows=_pair(size * drug.value(f"peripheral_clearance_{one}") for one in compartments),
    )


def _pair(values: Iterator[float]) -> tuple[float, float]:
    first, second = values
    return first, second


def _depot(setting: StageSetting, active: ActiveInfusion) -> AnyDepot:
    """What an infusion has left in the tissue; it is given in its own stage only."""
    assert active.delivered is not None  # it goes through an artery
    infusion, density = active.infusion, setting.cell_density(active.delivered)
    if isinstance(infusion, DrugElutingBeads):
        return _beads(setting, active.name, infusion, density, first=active.elapsed <= 0.0)
    assert isinstance(infusion, OilEmulsion)
    return _emulsion(setting, active.name, infusion, density, first=active.elapsed <= 0.0)


def _beads(setting: StageSetting, name: str, infusion: DrugElutingBeads, density: Floats, *, first: bool) -> BeadDepot:
    pharmacy = setting.scenario.pharmacy
    beads, drug = pharmacy.particles(infusion.particles), pharmacy.drug(infusion.drug)
    exchange = beads.exchange(infusion.drug, infusion.release)
    return BeadDepot(
        name=name,
        given=drug.amount_of(infusion.drug_mass) if first else 0.0,
        beads=beads.number_in(infusion.particle_volume),
        capacity=exchange.capacity * infusion.particle_volume * 1e-6,
        density=density,
        half_saturation=exchange.half_saturation,
        exchange_rate=exchange.rate,
        radius=0.5 * beads.loaded_diameter(infusion.drug),
        shape="sphere",
        unbound_share=beads.loading(infusion.drug).value("unbound_share"),
    )


def _emulsion(
    setting: StageSetting, name: str, infusion: OilEmulsion, density: Floats, *, first: bool
) -> EmulsionDepot:
    oil, drug = setting.scenario.pharmacy.oil(infusion.oil), setting.scenario.pharmacy.drug(infusion.drug)
    emulsion, target = oil.emulsion(infusion.drug), setting.cell_target()
    normal, tumour = oil.value("washout_rate_normal"), oil.value("washout_rate_tumour")
    return EmulsionDepot(
        name=name,
        given=drug.amount_of(infusion.drug_mass) if first else 0.0,
        density=density,
        burst_share=emulsion.value("burst_share"),
        release_rate=emulsion.value("release_rate"),
        washout_rate=normal + target * (tumour - normal),
    )


def _organ(setting: StageSetting, active: Sequence[ActiveInfusion]) -> OrganTissue:
    """The tissues that these infusions reach, per cell (m,), by their share of it."""
    sampled = setting.geometry.sampled
    anatomy = setting.geometry.anatomy
    assert anatomy is not None  # only the half plane has none, and a plan refuses infusions there
    reached = (fed_tissues(anatomy, one.delivered.infusion) for one in active if one.delivered is not None)
    fed = sorted(set().union(*reached) & set(sampled.tissues))
    columns = [sampled.tissues.index(name) for name in fed]
    table = property_table([setting.scenario.tissue(name) for name in fed], INTERSTITIUM)
    shares = sampled.fractions[:, columns]
    cells = {name: shares @ column for name, column in table.items()}
    surface = table["vessel_surface_density"] * table["vessel_permeability_ratio"]
    filtration = table["filtration_conductance"]
    fluid = table["interstitial_fraction"] * table["interstitial_diffusivity_ratio"]
    exchanging = cells["filtration_conductance"]
    balanced = (shares @ (filtration * table["filtration_pressure"])) / np.where(exchanging > 0.0, exchanging, 1.0)
    return OrganTissue(
        fluid=cells["interstitial_fraction"],
        diffusivity_ratio=shares @ fluid,
        vessel_surface=shares @ surface,
        cell_density=cells["cell_density"],
        share=shares.sum(axis=1),
        hydraulic_conductivity=cells["hydraulic_conductivity"],
        # vessels through which no blood flows filter nothing
        filtration=exchanging * perfusion_factor(setting),
        filtration_pressure=balanced,
        drainage=cells["lymphatic_conductance"],
        lymph_pressure=np.full(len(shares), setting.constants["lymph_pressure"]),
    )
