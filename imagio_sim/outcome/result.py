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
FILE_NAME = "result.json"

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

    ``length_ratio`` is length after by length before, ``length_ratio_range`` with the strongest and the weakest
    contraction of the data, which were measured in ``measured_tissue`` and stand for every tissue of the zone. Nothing
    else in a result is contracted.
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
    trajectories: NotRequired[dict[str, TrajectoryResult]]
    vessels: NotRequired[dict[str, VesselResult]]
    unknown_tissue: NotRequired[UnknownTissueResult]
    energy: NotRequired[EnergyResult]
    mesh: NotRequired[MeshResult]
    timing: NotRequired[TimingResult]
    treatment_time_s: NotRequired[float]
    constants_from_memory: NotRequired[list[str]]
    solver: NotRequired[dict[str, Any]]
    failure: NotRequired[str]
    digest: NotRequired[str]


def balance_error(source_J: float, stored_J: float, lost_J: float) -> float:
    """Relative error of an energy balance; 0 when nothing was exchanged."""
    largest = max(abs(source_J), abs(stored_J), abs(lost_J))
    return abs(source_J - stored_J - lost_J) / largest if largest > 0 else 0.0


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
