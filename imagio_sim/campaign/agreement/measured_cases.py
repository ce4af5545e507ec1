# SPDX-License-Identifier: LGPL-3.0-or-later
"""A finished run held against the zone that was measured: frames checked, registered, shrinkage told apart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import yaml
from numpy.typing import NDArray

from imagio_sim.anatomy.measured_zone import MeasuredZone, frame_of_reference, read_measured_zone
from imagio_sim.anatomy.nifti import nifti_grid, open_nifti, voxels
from imagio_sim.anatomy.rigid_registration import RigidTransform, register
from imagio_sim.anatomy.smooth_surface import organ_blur_mm, smooth_surface
from imagio_sim.anatomy.volume import ClosedSurface
from imagio_sim.campaign.finished_runs import FinishedRun, finished_runs
from imagio_sim.campaign.viewer_files import SURFACES
from imagio_sim.errors import InputError
from imagio_sim.outcome.agreement import (
    SPACING_MM,
    Agreement,
    MarginAgreement,
    agreement,
    margin_agreement,
    signed_margins_mm,
)
from imagio_sim.outcome.surface import Surface

Floats = NDArray[np.float64]
Treatment = Literal["none", "contract_simulated", "expand_measured"]
TREATMENTS: tuple[Treatment, ...] = get_args(Treatment)
"""What is done about shrinkage: nothing; the simulated zone contracted; the measured one expanded."""
MARGIN_MM = 5.0
"""The margin that is asked for after ablation of liver tumours."""
_APART_MM = 20.0
"""Gap between the boxes around both zones beyond which they cannot be of one treatment in one frame."""
_NO_SURFACE = Surface(np.empty((0, 3)), np.empty((0, 3), dtype=np.int64))


@dataclass(frozen=True)
class CaseRequest:
    """What to compare.

    Attributes
    ----------
    case
        Its name.
    run, measured
        Folder of the run and file of the zone.
    structure
        Label of the zone in a file that holds several.
    seen_after, seen_before
        Files of one structure that the treatment has left alone, in the frame of the measured zone and in that of the
        plan; both or none.
    """

    case: str
    run: Path
    measured: Path
    structure: str | None = None
    seen_after: Path | None = None
    seen_before: Path | None = None


@dataclass(frozen=True)
class Registration:
    """How a measured zone was laid into the plan's frame, and how far the structure's two surfaces still lie apart."""

    angle_degrees: float
    shift_mm: float
    residual_mean_mm: float
    residual_tail_mm: float
    residual_maximum_mm: float


@dataclass(frozen=True, eq=False)
class ReadCase:
    """A case that can be compared: everything read, the measured zone in the plan's frame.

    Attributes
    ----------
    axis
        Mean direction of the applicators (3,) from tip to entry.
    length_ratio
        Length after by length before: contraction by heat as the run estimates it, times that of fixing and cutting
        as the measured zone's file states it. 1 where neither says anything.
    """

    request: CaseRequest
    run: FinishedRun
    measured: MeasuredZone
    simulated: Surface
    target: Surface | None
    axis: Floats
    length_ratio: float
    registration: Registration | None


@dataclass(frozen=True, eq=False)
class CaseAgreement:
    """One case.

    Attributes
    ----------
    by_treatment
        Agreement for everything that can be done about shrinkage.
    simulated, measured
        Surfaces as compared under the chosen treatment.
    margins
        How well too small margins are predicted over the target's surface, in the tissue as it was before; None
        without a target.
    minimal_margins_mm
        Simulated and measured minimal margin.
    margin_samples
        Simulated and measured margin and area of every point (3, n); None without a target.
    """

    read: ReadCase
    by_treatment: Mapping[Treatment, Agreement]
    simulated: Surface
    measured: Surface
    margins: MarginAgreement | None
    minimal_margins_mm: tuple[float, float] | None
    margin_samples: Floats | None

    @property
    def name(self) -> str:
        """Of the case."""
        return self.read.request.case

    def data(self) -> dict[str, Any]:
        """Everything but the surfaces, for JSON."""
        read = self.read
        return {
            "case": self.name,
            "run": str(read.request.run),
            "measured_zone": str(read.request.measured),
            "measured_kind": read.measured.kind,
            "measured_resolution_mm": read.measured.resolution_mm,
            "notice": read.measured.notice,
            "length_ratio": read.length_ratio,
            "registration": None if read.registration is None else asdict(read.registration),
            "by_treatment": {
                name: {**asdict(one), "volume_error_ml": one.volume_error_ml, "axis_errors_mm": one.axis_errors_mm}
                for name, one in self.by_treatment.items()
            },
            "margin_below_5_mm": None if self.margins is None else asdict(self.margins),
            "minimal_margins_mm": self.minimal_margins_mm,
        }


def read_case(request: CaseRequest) -> ReadCase:
    """Read run and zone, lay the zone into the plan's frame, and refuse what cannot be compared.

    Raises
    ------
    InputError, InputErrors
        A run that is not complete, an empty zone, or one on another frame.
    """
    (run,) = _one_run(request)
    measured = read_measured_zone(request.measured, structure=request.structure)
    registration = None
    if request.seen_after is not None and request.seen_before is not None:
        transform, registration = _registered(request.seen_after, request.seen_before)
        measured = replace(measured, surface=transform.of_surface(measured.surface), frame_of_reference="")
    simulated, (axis, tips) = _simulated(run), _applicators(run)
    _require_one_frame(request, run, measured, simulated.points_mm if len(simulated.points_mm) else tips)
    estimate = run.result.get("contracted_zone_estimate")
    by_heat = 1.0 if estimate is None else estimate["length_ratio"]
    return ReadCase(
        request,
        run,
        measured,
        simulated,
        _target(run),
        axis,
        by_heat * (1.0 if measured.length_ratio is None else measured.length_ratio),
        registration,
    )


def compare_case(read: ReadCase, treatment: Treatment) -> CaseAgreement:
    """Hold the zones against each other for every treatment of shrinkage; the one named decides."""
    measured = Surface(*read.measured.surface)
    pairs = {name: _treated(read, measured, name) for name in TREATMENTS}
    simulated, shown = pairs[treatment]
    before = measured if treatment == "none" else pairs["expand_measured"][1]
    samples = None if read.target is None else _margin_samples(read.target, read.simulated, before)
    return CaseAgreement(
        read,
        {name: agreement(*pair, read.axis) for name, pair in pairs.items()},
        simulated,
        shown,
        None if samples is None else margin_agreement(*samples, threshold_mm=MARGIN_MM),
        None if samples is None else (float(samples[0].min()), float(samples[1].min())),
        samples,
    )


def _treated(read: ReadCase, measured: Surface, treatment: Treatment) -> tuple[Surface, Surface]:
    """Simulated and measured surface; zones contract about their own centroids, for want of knowing better."""
    if treatment == "contract_simulated":
        return _scaled(read.simulated, read.length_ratio), measured
    if treatment == "expand_measured":
        return read.simulated, _scaled(measured, 1.0 / read.length_ratio)
    return read.simulated, measured


def _scaled(surface: Surface, factor: float) -> Surface:
    if not len(surface.triangles) or factor == 1.0:
        return surface
    middle = surface.centroid_mm
    return Surface(middle + factor * (surface.points_mm - middle), surface.triangles)


def _margin_samples(target: Surface, simulated: Surface, measured: Surface) -> Floats:
    samples = target.samples(SPACING_MM)
    return np.stack(
        [
            signed_margins_mm(samples.points_mm, simulated),
            signed_margins_mm(samples.points_mm, measured),
            samples.weights,
        ]
    )


def _one_run(request: CaseRequest) -> tuple[FinishedRun]:
    found = finished_runs([request.run])
    if len(found) != 1:
        raise InputError(
            str(request.run),
            found=f"{len(found)} runs ({', '.join(run.label for run in found)})",
            allowed="the folder of one run",
            remedy="name the plan's folder",
        )
    return (found[0],)


def _simulated(run: FinishedRun) -> Surface:
    """The zone's surface from the mesh, or from the 1 mm map where the run was made without pictures."""
    file = run.folder / SURFACES / "zone.vtu"
    if file.is_file():
        return _read_surface(file)
    nifti = open_nifti(run.fine_zone_file)
    mask, grid = np.asarray(voxels(nifti, run.fine_zone_file)) > 0, nifti_grid(nifti, run.fine_zone_file)
    if not mask.any():
        return _NO_SURFACE
    return Surface(*smooth_surface(mask, grid, blur_mm=organ_blur_mm(grid), where=str(run.fine_zone_file)))


def _target(run: FinishedRun) -> Surface | None:
    file = run.folder / SURFACES / "target.vtu"
    return _read_surface(file) if file.is_file() else None


def _read_surface(file: Path) -> Surface:
    import meshio

    mesh = meshio.read(file)
    return Surface(np.asarray(mesh.points, dtype=float), mesh.cells_dict["triangle"].astype(np.int64))


def _applicators(run: FinishedRun) -> tuple[Floats, Floats]:
    """Mean direction (3,) of the applicators, head to foot without any, and their tips (n, 3)."""
    plan = yaml.safe_load((run.folder / "plan.yaml").read_text(encoding="utf-8"))
    ends = [
        (one["entry_lps_mm"], one["tip_lps_mm"]) for stage in plan["stages"] for one in stage.get("applicators", [])
    ]
    if not ends:
        return np.array([0.0, 0.0, 1.0]), np.empty((0, 3))
    entries, tips = np.moveaxis(np.array(ends, dtype=float), 1, 0)
    directions = (entries - tips) / np.linalg.norm(entries - tips, axis=1)[:, None]
    total = directions.sum(axis=0)
    length = float(np.linalg.norm(total))
    return (total / length if length > 1e-6 else np.array([0.0, 0.0, 1.0])), tips


def _require_one_frame(request: CaseRequest, run: FinishedRun, measured: MeasuredZone, simulated: Floats) -> None:
    """Refuse a zone whose DICOM frame is another, or that lies far from where the treatment was simulated."""
    own = run.folder / "necrosis.dcm"
    uid = frame_of_reference(own) if measured.frame_of_reference and own.is_file() else ""
    if uid and uid != measured.frame_of_reference:
        raise _other_frame(request, f"the DICOM frame of reference {measured.frame_of_reference}", f"{uid}, the plan's")
    points = measured.surface.points_mm
    if not len(simulated) or _apart(points, simulated) <= _APART_MM:
        return
    turned = _apart(points * [-1.0, -1.0, 1.0], simulated) <= _APART_MM
    hint = ", which lies there in RAS instead of LPS" if turned else ""
    raise _other_frame(
        request,
        f"a zone {_apart(points, simulated):.0f} mm from the simulated one{hint}",
        "a zone in the frame of the plan (LPS mm)",
    )


def _apart(first: Floats, second: Floats) -> float:
    """Gap between the boxes around points (n, 3) and (m, 3)."""
    gap = np.maximum(first.min(axis=0) - second.max(axis=0), second.min(axis=0) - first.max(axis=0))
    return float(np.linalg.norm(np.maximum(gap, 0.0)))


def _other_frame(request: CaseRequest, found: str, allowed: str) -> InputError:
    return InputError(
        str(request.measured),
        found=found,
        allowed=allowed,
        remedy="register it by a structure that is in both images (--register AFTER BEFORE)",
    )


def _registered(after: Path, before: Path) -> tuple[RigidTransform, Registration]:
    moving, fixed = (read_measured_zone(path).surface for path in (after, before))
    transform = register(moving, fixed)
    residual = agreement(
        Surface(*transform.of_surface(moving)), Surface(*fixed), np.array([0.0, 0.0, 1.0]), spacing_mm=2.0
    )
    assert residual.mean_distance_mm is not None
    assert residual.tail_distance_mm is not None
    assert residual.maximum_distance_mm is not None
    middle = _middle(moving)
    return transform, Registration(
        transform.angle_degrees,
        float(np.linalg.norm(transform.of_points(middle) - middle)),
        residual.mean_distance_mm,
        residual.tail_distance_mm,
        residual.maximum_distance_mm,
    )


def _middle(surface: ClosedSurface) -> Floats:
    return np.asarray(surface.points_mm.mean(axis=0)[None])
