# SPDX-License-Identifier: LGPL-3.0-or-later
"""What of a plan is not known exactly: constants with a spread, and where the applicators really come to lie."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from imagio_sim.campaign.case import deciding_models
from imagio_sim.campaign.uncertainty.distributions import has_spread, quantile, words
from imagio_sim.devices.constants import DeviceConstant, GivenFigure, device_constants, with_figures
from imagio_sim.devices.device import Device
from imagio_sim.pharmacy.drugs import drug_names
from imagio_sim.plan import Scenario, scenario_of, written
from imagio_sim.plan.library_values import death_kinds, pharmacy_kinds
from imagio_sim.plan.placement import entry_and_tip
from imagio_sim.plan.scenario import constant_kind, property_kind
from imagio_sim.plan.stages import Applicator, Plan, Stage
from imagio_sim.tissue.constants import FIXED, constants_used_by
from imagio_sim.tissue.properties import properties_used_by
from imagio_sim.tissue.value import Evidence, Value
from imagio_sim.units import QuantityKind

Floats = NDArray[np.float64]
Section = Literal["tissue_values", "constants", "device_values", "pharmacy_values", "death_values"]

PLACEMENT = "placement"
"""How the names of the inputs of an applicator's place begin."""
_AXES = ("x", "y", "z")
_HALVINGS = 6
_OF_HEAT = frozenset(
    {
        *("specific_heat_capacity", "thermal_conductivity", "thermal_conductivity_slope", "metabolic_heat"),
        *("water_content", "water_density", "latent_heat", "dried_heat_capacity", "boiling_water_diffusivity"),
        *("vaporisation_start", "vaporisation_width", "conductivity_cap_temperature", "conductivity_residual_fraction"),
        *("skin_heat_transfer", "room_temperature", "vessel_wall_heat_transfer"),
        *("lumen_conduction_fraction", "lumen_renewal_time"),
    }
)
"""Constants that show only where something heats or cools the tissue."""
_JUDGING = frozenset({"least_pulses", "shortest_pulse", "longest_pulse"})
"""Parameters of death models that say of which treatments they know nothing."""
_AGAINST_THE_BATH, _WITH_THE_BATH = "half_saturation_", "partition_"
_BATH = "beads: equilibrium with the drug, by the bath of the elution"
"""What the equilibrium constants of beads are drawn by: the half saturation is inverse to the bath of the elution that
gave it, whose volume by that of the beads is unknown, and the partition goes with it."""
_FITS: Mapping[str, tuple[str, frozenset[str]]] = {
    "three_state": ("three_state: rates of its fit", frozenset({"forward_rate", "backward_rate", "temperature_scale"}))
}
"""Parameters of a death model that one fit gave: what they are drawn by. Percentiles of each alone are published, not
which belong together; a faster rate that rises more slowly with temperature is taken. Then cells are injured at 60 degC
at 0.009 to 0.023 1/s, and drawn apart at 0.002 to 0.10 1/s, which no fit to the same cells allows."""
_MEAN_OF_NORM = math.sqrt(8.0 / math.pi)
"""Mean length of a vector of three independent standard normal numbers."""


@dataclass(frozen=True)
class UncertainConstant:
    """A constant of a tissue, a device, an entry of the pharmacy or a death model (``owner``), or of the tissue laws.

    Attributes
    ----------
    section
        Of a scenario, that gives another value in its place.
    owner, quantity
        Its keys there; the owner of the tissue laws is empty.
    value
        What is known of it.
    kind
        What it is, as a scenario writes it.
    shared
        What it is drawn together with: constants with the same text go up and down together; empty for none.
    opposed
        Whether it goes down where those go up.
    """

    section: Section
    owner: str
    quantity: str
    value: Value
    kind: QuantityKind
    shared: str = ""
    opposed: bool = False

    @property
    def name(self) -> str:
        """``liver: perfusion_rate`` or ``laws: heat_capacity``."""
        return f"{self.owner or 'laws'}: {self.quantity}"

    @property
    def key(self) -> str:
        """What it is drawn by: one number of one source is one unknown, in whatever tissue or device it stands."""
        value = self.value
        spread = value.sd if value.sd is not None else f"{value.low}..{value.high}"
        return self.shared or f"{self.quantity} {value.value} {spread} {value.unit} {value.source}"

    @property
    def spread(self) -> str:
        """Distribution and source."""
        return words(self.value)

    @property
    def evidence(self) -> str:
        """How the number was seen."""
        return self.value.evidence

    def drawn(self, share: float) -> float:
        """Quantile of the distribution."""
        return quantile(self.value, 1.0 - share if self.opposed else share, self.kind)

    def written(self, drawn: float, where: str) -> dict[str, Any]:
        """The value as a scenario gives it."""
        text = self.kind.text(drawn) if self.kind.unit else drawn
        return {"value": text, "source": f"drawn for {where} from {self.spread}"}


@dataclass(frozen=True)
class UncertainPlace:
    """How far the tip of an applicator comes to lie off its plan along one axis of the scenario's frame [mm]."""

    applicator: str
    axis: int
    sd_mm: float

    @property
    def name(self) -> str:
        """``placement of needle, x``."""
        return f"{PLACEMENT} of {self.applicator}, {_AXES[self.axis]}"

    @property
    def key(self) -> str:
        """What it is drawn by: its name, so that needles of the same name are off alike in all plans."""
        return self.name

    @property
    def evidence(self) -> str:
        """As the user states it."""
        return "given"

    @property
    def spread(self) -> str:
        """Distribution."""
        return f"0 ± {self.sd_mm:.2g} mm (normal)"

    def drawn(self, share: float) -> float:
        """Quantile of the distribution [mm]."""
        from scipy.stats import norm

        return float(self.sd_mm * norm.ppf(share))


UncertainInput: TypeAlias = UncertainConstant | UncertainPlace
"""Something that is drawn for every member."""


def uncertain_constants(scenario: Scenario, plan_name: str, tissues: Iterable[str]) -> list[UncertainConstant]:
    """Every constant with a spread that a plan uses of these tissues and of the tissue laws."""
    plan = scenario.plan(plan_name)
    idle = frozenset() if any(stage.applicators for stage in plan.stages) else _OF_HEAT
    properties = properties_used_by(plan.modalities) - idle
    constants = constants_used_by(plan.modalities) - FIXED - idle
    image = scenario.patient.perfusion
    imaged = set() if image is None else set(image.tissues or tissues)
    found = [
        UncertainConstant("tissue_values", tissue, name, value, property_kind(name))
        for tissue in tissues
        for name, value in scenario.tissue(tissue).values.items()
        if name in properties and not (name == "perfusion_rate" and tissue in imaged)
    ]
    found += [
        UncertainConstant("constants", "", name, value, constant_kind(name))
        for name, value in scenario.law_constants().items()
        if name in constants
    ]
    return [one for one in found if has_spread(one.value)]


def uncertain_devices(scenario: Scenario, plan_name: str) -> list[UncertainConstant]:
    """Every figure with a spread of the devices of a plan that acts in it, as far as the device stays possible."""
    plan = scenario.plan(plan_name)
    devices = {one.device: one.of_library for stage in plan.stages for one in stage.applicators}
    found = [
        UncertainConstant(
            "device_values", name, constant.name, _range_of(device, constant), constant.kind, _joint(name, constant)
        )
        for name, device in devices.items()
        for constant in device_constants(device).values()
        if constant.spread > 0.0 and constant.acts and not _is_left_to_the_plan(plan, name, constant.name)
    ]
    return [one for one in found if has_spread(one.value)]


def _joint(device: str, constant: DeviceConstant) -> str:
    """What figures are drawn together with that have to fit each other: borders of sections, elements on a shell."""
    parts = constant.name.split(".")
    if "sections" in parts:
        return f"{device}: borders of its sections"
    return f"{device}: size of shell and elements" if parts[-1] in ("aperture", "element_diameter") else ""


def _is_left_to_the_plan(plan: Plan, device: str, constant: str) -> bool:
    """Whether a figure is only what holds where a plan says nothing, and every applicator of the device is told."""
    told = [_says(stage, one, constant) for stage in plan.stages for one in stage.applicators if one.device == device]
    return all(told)


def _says(stage: Stage, applicator: Applicator, constant: str) -> bool:
    *parts, last = constant.split(".")
    if last in ("deployment_default", "exposure_default"):
        return applicator.deployment is not None
    if parts[:1] != ["generator"] or len(parts) != 2:
        return False
    program = stage.program_of(applicator)  # the generator's defaults for a mode
    return program is None or program.mode != parts[1] or getattr(program, last, None) is not None


def _range_of(device: Device, constant: DeviceConstant) -> Value:
    """The figure with its range, shortened where the device or the kind of figure allows no more."""
    low, high = (
        _possible(device, constant, min(max(end, constant.kind.low), constant.kind.high))
        for end in (constant.value - constant.spread, constant.value + constant.spread)
    )
    evidence: Evidence = constant.evidence
    return Value(constant.value, constant.kind.unit or "1", low, high, None, constant.source, evidence)


def _possible(device: Device, constant: DeviceConstant, end: float) -> float:
    """The end of a range, halved towards the value until the device can be made with it; the value if none can."""
    for _ in range(_HALVINGS):
        try:
            with_figures(device, {constant.name: GivenFigure(end, 0.0, constant.source)})
        except ValidationError:
            end = 0.5 * (end + constant.value)
        else:
            return end
    return constant.value


def uncertain_brought(scenario: Scenario, plan_name: str) -> list[UncertainConstant]:
    """Every value with a spread of what the infusions of a plan bring: drugs, particles, oils, liposomes, microspheres.

    The rows of a table against temperature go up and down together: they are one measurement. So do the equilibrium
    constants of all beads with all drugs: one unknown bath stands behind their ranges, see :data:`_BATH`.
    """
    brought = {
        place: known
        for stage in scenario.plan(plan_name).stages
        for infusion in stage.infusions
        for place, known in infusion.library_values(scenario.pharmacy).items()
    }
    return [
        UncertainConstant(
            "pharmacy_values",
            entry,
            key,
            known.value,
            pharmacy_kinds(entry)[key],
            _measured_with(entry, key),
            opposed=key.startswith(_WITH_THE_BATH),
        )
        for (entry, key), known in sorted(brought.items())
        if has_spread(known.value)
    ]


def _measured_with(entry: str, key: str) -> str:
    """What a value was measured together with: the bath, or the table that it is a row of; empty for neither."""
    if key.startswith((_AGAINST_THE_BATH, _WITH_THE_BATH)):
        return _BATH
    name, is_row, _ = key.partition("_row_")
    return f"{entry}: {name}, all rows" if is_row else ""


def uncertain_deaths(scenario: Scenario, plan_name: str) -> list[UncertainConstant]:
    """Every parameter with a spread of the death models that decide; those of drugs that no infusion brings are not.

    Parameters of one fit go up and down together.
    """
    brought = {one.owner for one in uncertain_brought(scenario, plan_name)}
    others = tuple(f"_{name}" for name in drug_names() if name not in brought)
    return [
        UncertainConstant("death_values", model, key, value, death_kinds(model)[key], _fitted_with(model, key))
        for model in deciding_models(scenario, plan_name)
        for key, value in scenario.death_model_values(model).items()
        if has_spread(value) and key in death_kinds(model) and key not in _JUDGING and not key.endswith(others)
    ]


def _fitted_with(model: str, key: str) -> str:
    """What fit a parameter is of; empty for none."""
    name, parameters = _FITS.get(model, ("", frozenset[str]()))
    return name if key in parameters else ""


def uncertain_places(scenario: Scenario, plan_name: str, *, mean_error_mm: float) -> list[UncertainPlace]:
    """The place of every applicator of a plan, off by ``mean_error_mm`` on average over all directions.

    In a half plane every needle lies on the axis, and none can be off it.
    """
    if mean_error_mm <= 0.0 or scenario.solver.geometry == "axisymmetric":
        return []
    names = [name for stage in scenario.plan(plan_name).applicator_names for name in stage]
    return [UncertainPlace(name, axis, mean_error_mm / _MEAN_OF_NORM) for name in names for axis in range(3)]


def with_drawn(
    scenario: Scenario,
    plan_name: str,
    drawn: Mapping[str, float],
    inputs: Sequence[UncertainInput],
    *,
    where: str,
) -> Scenario:
    """The scenario with drawn values (by name of the input) in place of the nominal ones, checked like a file."""
    data = written(scenario)
    for one in inputs:
        if isinstance(one, UncertainConstant):
            place = data.setdefault(one.section, {})
            if one.owner:
                place = place.setdefault(one.owner, {})
            place[one.quantity] = one.written(drawn[one.name], where)
    offsets: dict[str, Floats] = {}
    for one in inputs:
        if isinstance(one, UncertainPlace):
            offsets.setdefault(one.applicator, np.zeros(3))[one.axis] = drawn[one.name]
    _displace(scenario, plan_name, data, offsets)
    return scenario_of(data, base=scenario.base, where=f"{scenario.origin} ({where})")


def _displace(scenario: Scenario, plan_name: str, data: dict[str, Any], offsets: Mapping[str, Floats]) -> None:
    """Move the tips of a plan's applicators; the entry stays, so that the needle comes to lie at another angle.

    What has no needle (a transducer) is moved as a whole.
    """
    plan = scenario.plan(plan_name)
    stages = data["plans"][plan_name]["stages"]
    for stage, names, given in zip(plan.stages, plan.applicator_names, stages, strict=True):
        for name, applicator, entry in zip(names, stage.applicators, given.get("applicators", ()), strict=True):
            if name in offsets:
                entry |= _moved(scenario, applicator, offsets[name])
                entry.pop("markup", None)


def _moved(scenario: Scenario, applicator: Applicator, offset: Floats) -> dict[str, list[float]]:
    """Entry and tip in the scenario's frame, off by an offset (3,) [mm] in that frame."""
    sign = np.array([-1.0, -1.0, 1.0]) if scenario.frame == "RAS" else np.ones(3)
    entry, tip = (sign * point for point in entry_and_tip(applicator, scenario.frame, scenario.base))
    has_needle = bool(applicator.of_library.applicator(applicator.deployment))
    return {"entry": list(map(float, entry if has_needle else entry + offset)), "tip": list(map(float, tip + offset))}
