# SPDX-License-Identifier: LGPL-3.0-or-later
"""The machine-readable result of a run: its shape, writing and reading.

``result.json`` is the contract with other programs: keys are only ever added within a ``schema`` version. Numbers
are finite; what could not be determined is ``null``.
"""

from __future__ import annotations

import json
import math
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, NotRequired, TypedDict, cast

from imagio_sim.errors import InputError

SCHEMA = 1
"""Version of the shape of ``result.json``."""
LITTLE_HEAT_J = 10.0
"""Heat below which a treatment is none of heat: what it exchanges is the round-off of weeks at body temperature."""
FILE_NAME = "result.json"
NORMAL_LIVER = "normal_liver"
"""Structure of ``dose`` that is the organ without the target."""

Status = Literal["complete", "failed", "interrupted"]

MarginSurfaceFraction = TypedDict(
    "MarginSurfaceFraction",
    {"lt_0": float | None, "0_5": float | None, "ge_5": float | None, "ge_10": float | None},
)
"""Share of the target's surface with margin < 0, 0 to 5, >= 5 and >= 10 mm."""


class TargetResult(TypedDict):
    """The target: volume, covered share, margins [mm]; volumes are in ml."""

    volume_ml: float
    coverage: float
    residual_volume_ml: float
    minimal_ablative_margin_mm: float | None
    minimal_margin_with_subcapsular_mm: float | None
    minimal_margin_point_lps_mm: list[float] | None
    margin_surface_fraction: MarginSurfaceFraction
    subcapsular_surface_fraction: float
    coverage_histogram: dict[str, dict[str, float]]


class ZoneResult(TypedDict):
    """The zone of one death model; ``volume_ml`` holds the applicators within, ``tissue_volume_ml`` does not."""

    volume_ml: float
    tissue_volume_ml: float
    long_axis_mm: float
    short_axis_mm: float
    transverse_axis_mm: float
    sphericity: float | None
    components: int
    centroid_lps_mm: list[float] | None
    centroid_to_target_mm: float | None
    clipped_by_region: bool
    coverage: NotRequired[float]
    minimal_ablative_margin_mm: NotRequired[float | None]


class AblationZoneResult(ZoneResult):
    """The deciding model's zone, and that of each model."""

    deciding_model: str
    by_model: dict[str, ZoneResult]


class ContractedZoneResult(TypedDict):
    """Estimate of what would be measured of the deciding model's zone after its tissue has contracted.

    ``length_ratio`` is the measured length by that of the zone as it was solved, in tissue that stays where it is;
    ``length_ratio_range`` goes from the strongest contraction of the data, as much of it shown as may be, to as little
    shown as may be, where a zone can come out larger than solved (above 1). The data were measured in
    ``measured_tissue`` and stand for every tissue of the zone. Nothing else in a result is contracted.
    """

    volume_ml: float
    long_axis_mm: float
    short_axis_mm: float
    transverse_axis_mm: float
    length_ratio: float
    length_ratio_range: list[float]
    measured_tissue: str


class ConstraintResult(TypedDict):
    """One constraint of the plan.

    ``bound`` says to which side ``limit`` holds; ``warn`` is the stricter value below (above) which it warns. ``value``
    is null where it is unbounded (no zone at all) or was not recorded; what was not recorded fails.
    """

    name: str
    quantity: str
    structure: str | None
    bound: Literal["at_least", "at_most"]
    limit: float
    warn: float | None
    value: float | None
    status: Literal["pass", "warn", "fail"]


class EnergyResult(TypedDict):
    """Energy balance of the run [J]; ``balance_error`` = |source - stored - lost| / the largest of them.

    ``far_field_J`` is what the generators deposited beyond the region, ``withheld_J`` what they delivered and the time
    steps through boiling did not deposit.
    """

    source_J: float
    stored_J: float
    lost_J: float
    far_field_J: float
    withheld_J: float
    balance_error: float


class MeshResult(TypedDict):
    """Size and worst cell (SICN) of the mesh; of a plan's the largest one, with those of all stages beside it."""

    nodes: int
    cells: int
    minimum_quality: float
    by_stage: NotRequired[list[MeshResult]]


class TimingResult(TypedDict):
    """Wall time [s]."""

    mesh_s: float
    solve_s: float
    total_s: float


class StructureResult(TypedDict):
    """One critical structure."""

    volume_ml: float
    collateral_volume_ml: float
    collateral_fraction: float
    distance_mm: float | None
    peak_temperature_degC: float | None
    minimum_temperature_degC: float | None
    peak_thermal_dose_CEM43_min: float | None


class VesselResult(TypedDict):
    """One vessel: heat it carried away, and its blood where it leaves (null for a label, whose blood stays cold)."""

    given_by: Literal["label", "centre line"]
    carried_J: float
    outlet_temperature_degC: float | None
    peak_outlet_temperature_degC: float | None


class TrajectoryResult(TypedDict):
    """Path of one applicator."""

    length_mm: float
    label_lengths_mm: dict[str, float]
    role_lengths_mm: dict[str, float]


class ClusterResult(TypedDict):
    """Clusters that were drawn: of how many particles in tissue, how many, the largest, and by how much voxels differ.

    ``relative_spread`` is that of the particles in a voxel by those that a smooth deposition has there.
    """

    seed: int
    particles: int
    clusters: int
    largest: int
    relative_spread: float
    voxel_mm: list[float]


class InfusionResult(TypedDict):
    """One infusion: what was injected and where it went.

    ``injected`` maps each quantity (unit in its name) to its amount; shares of it: ``in_target_share`` is part of
    ``in_organ_share``, which makes one with ``lung_share`` and ``elsewhere_share`` but for ``sum_error``.
    ``territory_found`` says how: where a catheter's tip was taken to be and how far it was moved for that, the terminal
    arteries it feeds, or what an image holds. A systemic infusion has neither territory nor shares. ``to_lungs`` is
    what of ``injected`` passes the organ and stays in the lungs; ``clusters`` is there where they were asked for.
    """

    kind: str
    stage: int
    begin_s: float
    injected: dict[str, float]
    territory_volume_ml: float | None
    target_fed_share: float | None
    in_target_share: float | None
    in_organ_share: float | None
    lung_share: float | None
    elsewhere_share: float | None
    sum_error: float | None
    territory_found: NotRequired[dict[str, Any]]
    to_lungs: NotRequired[dict[str, float]]
    clusters: NotRequired[ClusterResult]


class PerfusionResult(TypedDict):
    """Mean blood flow [1/s] in the target and within 10 mm around it, as it is and as it was before embolisation."""

    target_per_s: float | None
    target_normal_per_s: float | None
    beside_per_s: float | None
    beside_normal_per_s: float | None


class ConcentrationResult(TypedDict):
    """A concentration in a part of the patient: mean, least and largest, and what shares of the volume exceed.

    ``C95`` ... are what that percentage of the volume has at least, like D95 of a dose; ``histogram`` has the share of
    the volume at or above each threshold.
    """

    volume_ml: float
    mean: float
    C95: float
    C50: float
    C5: float
    histogram: dict[str, float]


class DrugSourceResult(TypedDict):
    """What one source of a drug has brought, as if it were alone in a body whose plasma all of them share.

    ``plasma_peak_umol_per_l`` of free drug, ``plasma_peak_s`` on the plan's clock; sums of the areas are the drug's.
    """

    balance_mg: dict[str, float]
    balance_error: float
    plasma_peak_umol_per_l: float | None
    plasma_peak_s: float | None
    plasma_auc_umol_h_per_l: float | None


class DrugResult(TypedDict):
    """One drug at the end of the plan, of all its sources together.

    Peak and area in plasma are of what no carrier encloses, on the plan's clock. Concentrations are per tissue volume
    [umol/l], those of the target at the end but for ``target_peak``, the highest mean of what is outside of depots.
    ``share_above_threshold`` of the target is what the drug's own death model says was exposed enough to die.
    ``balance_mg`` says where it is; ``elsewhere`` was deposited beyond the organ's tissue on the mesh or in the lungs,
    ``oil_in_blood`` carried away in droplets. ``corrected_share`` of what was given had to be added or taken, without
    its sign, so that this balance closes; None where nothing is corrected.
    """

    balance_mg: dict[str, float]
    balance_error: float
    corrected_share: float | None
    plasma_peak_umol_per_l: float | None
    plasma_peak_s: float | None
    plasma_auc_umol_h_per_l: float | None
    target: ConcentrationResult | None
    target_peak_umol_per_l: float | None
    target_peak_s: float | None
    target_exposure_umol_h_per_l: ConcentrationResult | None
    share_above_threshold: float | None
    penetration_mm: dict[str, float | None]
    sources: dict[str, DrugSourceResult]


class KillVolumes(TypedDict):
    """What died in a part of the patient [ml].

    ``alone_ml`` is where an agent is enough whatever others do; ``by_ml`` are disjoint classes that add up to
    ``killed_ml``: sets of agents that are each enough (``heat + drug``) and ``combination``, where none is.
    ``combination_shares`` says what each contributed there.
    """

    killed_ml: float
    alone_ml: dict[str, float]
    by_ml: dict[str, float]
    combination_shares: dict[str, float]


class InteractionResult(TypedDict):
    """A chosen departure of two agents from independent action."""

    between: list[str]
    strength: float


class AgentModelResult(TypedDict):
    """The model that decides where an agent kills, and the surviving share at which it says dead."""

    model: str
    lethal_survival: float


class KillResult(TypedDict):
    """Who killed what; ``target_mean_survival`` by agent and ``combined`` is empty without a target."""

    law: Literal["independent action", "interaction"]
    interactions: list[InteractionResult]
    models: dict[str, AgentModelResult]
    target: KillVolumes | None
    target_volume_ml: float
    target_mean_survival: dict[str, float]
    outside: KillVolumes


class LowestReserveResult(TypedDict):
    """The same of the part of a plan, from ``from_s`` to ``until_s``, in which the organ's perfused volume is lowest.

    What died by the end of the stage in which it lies counts as dead from its begin.
    """

    from_s: float
    until_s: float
    embolised_ml: float
    dead_ml: float
    perfused_ml: float
    perfused_share: float


class LiverReserveResult(TypedDict):
    """What is left of the organ that the infusions feed, without the target, at the end of a plan; volumes [ml].

    ``territory_ml`` is what infusions reach, ``untreated_ml`` the living rest. ``embolised_ml`` is volume times the
    share of its arterial flow that was stopped, ``perfused_ml`` living volume times the share that is left.
    ``mean_dose_Gy`` is None without radiation; ``lowest`` is when arteries that open again were closed.
    """

    organ: list[str]
    volume_ml: float
    territory_ml: float
    untreated_ml: float
    embolised_ml: float
    dead_ml: float
    perfused_ml: float
    alive_share: float
    perfused_share: float
    mean_dose_Gy: float | None
    lowest: LowestReserveResult | None


class DoseStatistics(TypedDict):
    """A dose in a structure when all has decayed [Gy].

    ``D95_Gy`` is what 95 % of the volume has at least, ``V_share`` the share of the volume at or above each dose;
    ``EUBED_Gy`` is the uniform biologically effective dose that leaves as many cells alive, with its range over
    alpha's; ``EUD_Gy`` the uniform absorbed dose that does so when it is given by the same sources.
    """

    mean_Gy: float
    D95_Gy: float
    D70_Gy: float
    D50_Gy: float
    D5_Gy: float
    V_share: dict[str, float]
    mean_BED_Gy: float
    EUBED_Gy: float
    EUBED_range_Gy: list[float]
    EUD_Gy: float
    EUD_range_Gy: list[float]


class StructureDoseResult(TypedDict):
    """Dose of a structure by kernel and by local deposition."""

    volume_ml: float
    mass_g: float
    kernel: DoseStatistics
    local: DoseStatistics


class LungDoseResult(TypedDict):
    """Mean dose of the lungs by what passes the organ, with its range over that of their mass."""

    activity_GBq: float
    mass_kg: float
    mean_Gy: float
    mean_range_Gy: list[float]


class MakeControlResult(TypedDict):
    """What microspheres of one make give to the target, and with which probability that alone would control it."""

    mean_dose_Gy: float
    half_dose_Gy: float
    slope: float
    probability: float


class TumourControlResult(TypedDict):
    """Probability that all parts of the target are controlled, and its range over the parameters' spread.

    ``probability_at_mean_dose`` is what a uniform dose of the same mean would give. With several makes the doses add up
    in units of each one's ``half_dose_Gy`` (``by_make``); that of all is the one their mean doses then amount to.
    """

    mean_dose_Gy: float
    half_dose_Gy: float
    slope: float
    probability: float
    range: list[float]
    probability_at_mean_dose: float
    by_make: dict[str, MakeControlResult]


class ActivityResult(TypedDict):
    """Where the activity of an infusion is [GBq] and where the energy of its electrons goes [J].

    ``sum_error`` is what the four activities leave of the given one, relative; ``decayed_share`` what has decayed when
    the plan ends.
    """

    microspheres: str
    nuclide: str
    given_GBq: float
    prescribed_GBq: float
    in_target_GBq: float
    in_organ_GBq: float
    beyond_organ_GBq: float
    lung_GBq: float
    elsewhere_GBq: float
    sum_error: float
    spheres: float
    decayed_share: float
    electron_energy_J: float
    deposited_J: float
    bremsstrahlung_J: float
    beyond_grid_J: float


class PlanningResult(TypedDict):
    """An infusion as planners see it: mean doses by the MIRD and the partition model, activities for 100 Gy.

    The last three are the dose that the plan wants and the activities that give it to all that is reached (MIRD) or to
    the target (partition). Without a target there is no dose of it.
    """

    perfused_mass_kg: float
    tumour_mass_kg: float
    tumour_to_normal: float
    lung_shunt: float
    MIRD_mean_dose_Gy: float
    partition_tumour_dose_Gy: float | None
    partition_liver_dose_Gy: float
    partition_lung_dose_Gy: float
    MIRD_GBq_per_100_Gy: float
    partition_GBq_per_100_Gy_of_tumour: float | None
    partition_GBq_per_100_Gy_of_liver: float
    aim_Gy: NotRequired[float]
    MIRD_GBq_for_aim: NotRequired[float]
    partition_GBq_for_aim_of_tumour: NotRequired[float | None]


class DoseResult(TypedDict):
    """Radiation of all infusions together when all has decayed, and each infusion's activity."""

    structures: dict[str, StructureDoseResult]
    lungs: LungDoseResult
    tumour_control: TumourControlResult | None
    activity: dict[str, ActivityResult]
    planning: dict[str, PlanningResult]


class UnknownTissueResult(TypedDict):
    """Shares of region and zone without a label or beyond the image."""

    region_unlabelled: float
    region_outside: float
    zone_unlabelled: float
    zone_outside: float


class Result(TypedDict):
    """A finished run. A failed or interrupted one has only the keys that are required here."""

    schema: int
    status: Status
    plan: str
    modalities: list[str]
    warnings: list[str]
    versions: dict[str, str]
    inputs: dict[str, str]
    target: NotRequired[TargetResult | None]
    ablation_zone: NotRequired[AblationZoneResult]
    contracted_zone_estimate: NotRequired[ContractedZoneResult]
    ice: NotRequired[dict[str, ZoneResult]]
    constraints: NotRequired[list[ConstraintResult]]
    structures: NotRequired[dict[str, StructureResult]]
    collateral_volume_ml: NotRequired[dict[str, float]]
    dead_volume_by_tissue_ml: NotRequired[dict[str, float]]
    label_map_volume_ml: NotRequired[dict[str, float]]
    killed_regions: NotRequired[list[str]]
    trajectories: NotRequired[dict[str, TrajectoryResult]]
    vessels: NotRequired[dict[str, VesselResult]]
    unknown_tissue: NotRequired[UnknownTissueResult]
    infusions: NotRequired[dict[str, InfusionResult]]
    perfusion_by_stage: NotRequired[list[PerfusionResult]]
    drug: NotRequired[dict[str, DrugResult]]
    dose: NotRequired[DoseResult]
    kill: NotRequired[KillResult]
    liver_reserve: NotRequired[LiverReserveResult]
    energy: NotRequired[EnergyResult]
    mesh: NotRequired[MeshResult]
    timing: NotRequired[TimingResult]
    treatment_time_s: NotRequired[float]
    constants_from_memory: NotRequired[list[str]]
    solver: NotRequired[dict[str, Any]]
    failure: NotRequired[str]
    digest: NotRequired[str]


def balance_error(source_J: float, stored_J: float, lost_J: float) -> float:
    """Error of an energy balance relative to the largest of its terms, or to ``LITTLE_HEAT_J`` where that is more."""
    largest = max(abs(source_J), abs(stored_J), abs(lost_J), LITTLE_HEAT_J)
    return abs(source_J - stored_J - lost_J) / largest


def write_result(path: Path, result: Result) -> None:
    """Write the result so that the file is either the old or the whole new one.

    Raises
    ------
    ValueError
        If a number is not finite, with its place in the result.
    """
    _require_finite(cast(Mapping[str, object], result), "result")
    text = json.dumps(result, indent=2, allow_nan=False) + "\n"
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise


def read_result(path: Path) -> Result:
    """Read a result, refusing files that are none or of a newer kind."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise _refused(path, "no such file") from None
    except (json.JSONDecodeError, UnicodeDecodeError) as fault:
        raise _refused(path, f"no JSON ({fault})") from None
    if not isinstance(content, dict) or "status" not in content:
        raise _refused(path, "JSON that is no result")
    if content.get("schema") != SCHEMA:
        raise _refused(path, f"a result of schema {content.get('schema')!r}")
    return cast(Result, content)


def _refused(path: Path, found: str) -> InputError:
    return InputError(
        str(path),
        found=found,
        allowed=f"a {FILE_NAME} of schema {SCHEMA}",
        remedy="name a run's folder, or run the plan again with this version",
    )


def _require_finite(value: object, place: str) -> None:
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{place} is {value}, results hold finite numbers or null")
    if isinstance(value, Mapping):
        for key, item in value.items():
            _require_finite(item, f"{place}.{key}")
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            _require_finite(item, f"{place}[{index}]")
