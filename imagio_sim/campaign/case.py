# SPDX-License-Identifier: LGPL-3.0-or-later
"""From a plan and its mesh to the numbers the solver takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from imagio_sim.anatomy.model import Anatomy
from imagio_sim.campaign.geometry import StageGeometry
from imagio_sim.campaign.modalities import StageSetting, sources
from imagio_sim.campaign.modalities.embolisation import perfusion_factor
from imagio_sim.campaign.modalities.radiofrequency import with_pad
from imagio_sim.campaign.patient_factors import perfusion_rate
from imagio_sim.campaign.sequence import followed_for
from imagio_sim.campaign.vessels.lines import VesselsOnMesh
from imagio_sim.meshing.domain import Domain, Sampled
from imagio_sim.plan import Scenario, assignments, to_lps
from imagio_sim.plan.placement import as_triple
from imagio_sim.solve.case import Numerics, SurfaceCooling, ThermalCase
from imagio_sim.solve.stage import COMBINED
from imagio_sim.tissue import property_table
from imagio_sim.tissue.death import COLD, DECIDING, death_records
from imagio_sim.tissue.death.combination import Interaction
from imagio_sim.tissue.enthalpy import Enthalpy, tissue_enthalpy

Floats = NDArray[np.float64]

BLOOD = "blood"
CELL_PROPERTIES = (
    "thermal_conductivity",
    "thermal_conductivity_slope",
    "electrical_conductivity",
    "electrical_conductivity_slope",
    "perfusion_rate",
    "metabolic_heat",
)


def thermal_case(scenario: Scenario, plan_name: str, geometry: StageGeometry, *, stage: int) -> ThermalCase:
    """Everything the solver needs for one stage, without what earlier stages left behind."""
    vessels = VesselsOnMesh.of(scenario, geometry.domain)
    labelled = vessels.labels_only(geometry.sampled)
    geometry = replace(geometry, domain=with_pad(geometry.domain, scenario), sampled=vessels.with_lumens(labelled))
    constants = {name: value.value for name, value in scenario.law_constants().items()}
    blood = property_table([scenario.tissue(BLOOD)], ["volumetric_heat_capacity"])["volumetric_heat_capacity"]
    setting = StageSetting(scenario, plan_name, stage, geometry, constants)
    freezing = COLD in scenario.plan(plan_name).agents
    fields = cell_fields(scenario, geometry.sampled, geometry.perfusion, freezing=freezing)
    fields["perfusion_rate"] = fields["perfusion_rate"] * perfusion_factor(setting)
    return ThermalCase(
        domain=geometry.domain,
        cell_fields=fields,
        transitions=transitions(constants, freezing=freezing),
        vessel_conductance=labelled.wall_area_mm2 * 1e-6 * constants["vessel_wall_heat_transfer"],
        lumen_fraction=labelled.lumen_fraction,
        vessel_shares=labelled.vessel_shares,
        body_temperature=scenario.patient.body_temperature,
        blood_heat_capacity=float(blood[0]),
        constants=constants,
        cooling=(*_coolants(setting), *_skin(geometry.domain, scenario, constants)),
        deciding_models=deciding_models(scenario, plan_name),
        death_parameters=scenario.death_parameters,
        interactions=tuple(Interaction(one.between, one.strength) for one in scenario.solver.interactions),
        end_time=followed_for(scenario.plan(plan_name).timeline, stage),
        numerics=_numerics(scenario),
        sources=sources(setting),
        couplings=vessels.trees(scenario, fields["thermal_conductivity"], constants),
        probes_mm={
            probe.name: setting.on_mesh(as_triple(to_lps(probe.position, scenario.frame))) for probe in scenario.probes
        },
    )


def cell_labels(anatomy: Anatomy, geometry: StageGeometry) -> dict[str, NDArray[np.generic]]:
    """What each cell is, for people to look at: label number (0: none) and the tissue that fills most of it."""
    domain = geometry.domain
    centres = domain.points_in_space_mm[domain.cells].mean(axis=1)
    return {
        "label": anatomy.label_at(centres),
        "tissue": geometry.sampled.fractions.argmax(axis=1).astype(np.int32),
        "unlabelled_share": geometry.sampled.unlabelled_fraction,
    }


def deciding_models(scenario: Scenario, plan_name: str) -> tuple[str, ...]:
    """The death models that decide, one for each agent that acts in a plan.

    The model that a scenario chooses takes the place of its agent's.
    """
    chosen = scenario.solver.death_model
    deciding = {agent: DECIDING[agent] for agent in scenario.plan(plan_name).agents}
    if chosen is not None and agent_of(chosen) in deciding:
        deciding[agent_of(chosen)] = chosen
    return tuple(deciding.values())


def agent_of(model: str) -> str:
    """The agent that a death model is of."""
    return death_records()[model].agent


def zone_model(models: Sequence[str]) -> str:
    """The name under which the zone of the deciding models is measured."""
    return models[0] if len(models) == 1 else COMBINED


def cell_fields(
    scenario: Scenario, sampled: Sampled, perfusion: Floats | None = None, *, freezing: bool = False
) -> dict[str, Floats]:
    """Tissue properties per cell (m,): those of its tissues, weighted by their volume in it.

    ``perfusion`` (m,) is that of an image, see :func:`~imagio_sim.campaign.patient_factors.perfusion_rate`; with
    ``freezing`` the fields hold the frozen phase as well.
    """
    tissues = [scenario.tissue(name) for name in sampled.tissues]
    table = property_table(tissues, [*CELL_PROPERTIES, "volumetric_heat_capacity", "water_content"])
    constants = {name: value.value for name, value in scenario.law_constants().items()}
    columns: dict[str, Floats] = {name: table[name] for name in CELL_PROPERTIES}
    columns |= _phases(
        tissue_enthalpy(
            heat_capacity=table["volumetric_heat_capacity"],
            water_content=table["water_content"],
            constants=scenario.law_constants(),
            freezing=freezing,
        )
    )
    if freezing:
        columns["freezing_conductivity_rise"] = table["water_content"] * constants["freezing_conductivity_rise"]
    # Relative slopes count by what they are relative to, so that a mixed cell conducts as its parts do together.
    columns["electrical_conductivity_slope"] = table["electrical_conductivity_slope"] * table["electrical_conductivity"]
    fields = {name: sampled.fractions @ column for name, column in columns.items()}
    fields["perfusion_rate"] = perfusion_rate(scenario, sampled, perfusion, tissues)
    conductivity = fields["electrical_conductivity"]
    fields["electrical_conductivity_slope"] /= np.where(conductivity > 0.0, conductivity, 1.0)
    solid = np.maximum(1.0 - sampled.lumen_fraction, constants["lumen_conduction_fraction"])
    for name in {"thermal_conductivity", "thermal_conductivity_slope", "freezing_conductivity_rise"} & set(fields):
        fields[name] = fields[name] * solid
    return fields


def _phases(enthalpy: Enthalpy) -> dict[str, Floats]:
    """Heat capacities and latent heats of tissues as the case names them."""
    capacities = {f"heat_capacity_{number}": capacity for number, capacity in enumerate(enthalpy.heat_capacities)}
    return capacities | {f"latent_heat_{number}": one.latent_heat for number, one in enumerate(enthalpy.transitions)}


def transitions(constants: Mapping[str, float], *, freezing: bool) -> tuple[tuple[float, float], ...]:
    """Temperature range [degC] of each change of phase, coldest first; freezing only where a plan uses cold."""
    boiling, freezes = constants["vaporisation_start"], constants["freezing_start"]
    above = ((boiling, boiling + constants["vaporisation_width"]),)
    return ((freezes - constants["freezing_width"], freezes), *above) if freezing else above


def _coolants(setting: StageSetting) -> list[SurfaceCooling]:
    """Internal cooling of every section that has it; the pump stops when its applicator is off for good."""
    off_times = {one.name: one.off_time for one in assignments(setting.scenario, setting.plan_name, setting.stage)}
    latest = max(off_times.values(), default=0.0)
    return [
        SurfaceCooling(
            surface=surface,
            heat_transfer_coefficient=section.heat_transfer_coefficient,
            temperature=section.coolant_temperature,
            name="coolant",
            until=off_times.get(applicator.name, latest),
        )
        for applicator, surface, section in setting.sections()
        if section.heat_transfer_coefficient is not None and section.coolant_temperature is not None
    ]


def _skin(domain: Domain, scenario: Scenario, constants: Mapping[str, float]) -> list[SurfaceCooling]:
    """Heat given to the room where the region ends at air."""
    if "skin" not in domain.surfaces or not len(domain.surfaces["skin"]):
        return []
    return [SurfaceCooling("skin", constants["skin_heat_transfer"], constants["room_temperature"], "room")]


def _numerics(scenario: Scenario) -> Numerics:
    numerics, solver = Numerics(), scenario.solver
    if solver.time_tolerance is not None:
        numerics = replace(numerics, time_tolerance=solver.time_tolerance)
    if solver.linear_tolerance is not None:
        numerics = replace(numerics, linear_tolerance=solver.linear_tolerance)
    return numerics
