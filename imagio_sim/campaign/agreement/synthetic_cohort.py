# SPDX-License-Identifier: LGPL-3.0-or-later
"""A cohort of made-up patients with "histology", to test the chain from measured zones to statistics and calibration.

Nothing here is measured, and every file says so. Every patient has hidden values of tissue constants, drawn from
their published spread under a seed that is put under seal. The true zone comes from another mesh, smaller time steps,
another model of cell death and other vessels than a calibration with the same scenario uses. It contracts by a hidden
ratio, is cut into slices at a slight tilt, and outlined by a reader who is systematically too wide or too narrow and
not steady. What the calibrator sees are the scenarios, the slices and ``cohort.csv``; the truth lies in ``sealed/``,
whose SHA-256 is in ``seal.txt``.
"""

from __future__ import annotations

import csv
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from imagio_sim.anatomy.nifti import nifti_grid, open_nifti, voxels
from imagio_sim.anatomy.provenance import sha256
from imagio_sim.anatomy.slice_stack import SliceStack, write_slice_stack
from imagio_sim.anatomy.smooth_surface import smooth_surface, vessel_blur_mm
from imagio_sim.campaign.agreement.calibration import Calibration
from imagio_sim.campaign.agreement.other_vessels import VesselErrors, with_other_vessels
from imagio_sim.campaign.run import Listener, RunOptions, run_plan
from imagio_sim.campaign.uncertainty.inputs import Floats, UncertainConstant, uncertain_constants, with_drawn
from imagio_sim.errors import InputError
from imagio_sim.meshing.recipe import Resolution
from imagio_sim.outcome.assessment import mean_axis
from imagio_sim.outcome.result import Result
from imagio_sim.outcome.surface import Surface
from imagio_sim.plan import Scenario, changed, placed_applicators, yaml_text
from imagio_sim.tissue import tissue_names

NOTICE = "SYNTHETIC: made by this program with hidden values, not measured in any patient."
TRUTH = Path("sealed") / "truth.json"
SEAL = "seal.txt"
_PIXEL_MM = 0.5
_TURNS = 4
"""Waves around an outline up to which a reader's hand is unsteady."""


@dataclass(frozen=True)
class Making:
    """How patients are made; what a reader and a laboratory do is given as standard deviations.

    Attributes
    ----------
    count
        Patients, who get the scenarios in turn.
    hidden
        Constants (``liver: perfusion_rate``) that differ from patient to patient, drawn from their published spread.
    death_model
        The one that decides who dies; it should not be the scenario's own.
    resolution, time_tolerance
        Mesh and error of a time step [K] of the truth; they should not be those of the calibration.
    vessels
        How far the real vessels are from those of the scenario.
    slice_gap_mm
        Between slices.
    tilt_degrees
        Largest angle of the slices to the plane across the needle.
    reader_bias_mm, reader_scatter_mm
        By how much a reader outlines too wide in a patient, and how unsteadily.
    pose_mm
        Error of the slices' place along each axis.
    """

    count: int
    hidden: tuple[str, ...]
    death_model: str
    resolution: Resolution = "normal"
    time_tolerance: str = "0.1 K"
    vessels: VesselErrors = field(default_factory=VesselErrors)
    slice_gap_mm: float = 4.0
    tilt_degrees: float = 10.0
    reader_bias_mm: float = 0.3
    reader_scatter_mm: float = 0.4
    pose_mm: float = 0.5


@dataclass(frozen=True)
class Truth:
    """What nobody is told of one patient: hidden values, length after by length before, the true zone, and vessels.

    ``vessels`` has what differs from the scenario: ratios of radius and flow, shifts [mm], constants of the wall.
    """

    name: str
    values: Mapping[str, float]
    length_ratio: float
    volume_ml: float
    long_axis_mm: float
    short_axis_mm: float
    vessels: Mapping[str, float]


def make_cohort(
    folder: Path,
    scenarios: Sequence[tuple[Scenario, str]],
    making: Making,
    options: RunOptions,
    listener: Listener,
    *,
    seed: int | None = None,
) -> Path:
    """Make patients, and write what may be seen of them and, under seal, the truth; returns the cohort's table.

    Parameters
    ----------
    scenarios
        Scenarios as they are planned, each with the plan that is done.
    seed
        None draws one that nobody knows beforehand; it is kept under seal.
    """
    seed = secrets.randbits(64) if seed is None else seed
    random = np.random.default_rng(seed)
    hidden = [_constants(scenario, plan, making) for scenario, plan in scenarios]
    real = [_as_it_is(scenario, making) for scenario, _ in scenarios]
    for name in ("scenarios", "zones", "sealed"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    files = [_write_scenario(folder, number, scenario) for number, (scenario, _) in enumerate(scenarios, start=1)]
    within = replace(options, out=folder / "sealed" / "runs", resolution=making.resolution, pictures=False)
    truths, rows = [], []
    for number in range(making.count):
        name, which = f"S{number + 1:02d}", number % len(scenarios)
        plan = scenarios[which][1]
        listener.say(f"{number + 1} of {making.count}: {name}")
        truth, stack = _patient(name, real[which], plan, hidden[which], making, within, listener, random)
        write_slice_stack(folder / "zones" / f"{name}.yaml", stack, source=f"{name} of a synthetic cohort")
        truths.append(truth)
        rows.append([name, files[which], plan, f"zones/{name}.yaml"])
    _seal(folder, seed, making, truths)
    return _write_table(folder / "cohort.csv", rows)


def _write_scenario(folder: Path, number: int, scenario: Scenario) -> str:
    file = f"scenarios/{number:02d}_{scenario.name}.yaml"
    (folder / file).write_text(f"# {NOTICE}\n{yaml_text(scenario)}", encoding="utf-8")
    return file


def _write_table(path: Path, rows: Sequence[Sequence[str]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["patient", "scenario", "plan", "measured_zone"])
        writer.writerows(rows)
    return path


def _constants(scenario: Scenario, plan: str, making: Making) -> list[UncertainConstant]:
    tissues = {name.partition(":")[0] for name in making.hidden} & set(tissue_names())
    known = {one.name: one for one in uncertain_constants(scenario, plan, sorted(tissues))}
    missing = [name for name in making.hidden if name not in known]
    if missing:
        raise InputError(
            "hidden values",
            found=", ".join(missing),
            allowed="constants with a spread that the plan uses",
            remedy="see `imagio tissues`",
        )
    return [known[name] for name in making.hidden]


def _as_it_is(scenario: Scenario, making: Making) -> Scenario:
    """The scenario as its truth is computed."""
    return changed(scenario, {"solver.death_model": making.death_model, "solver.time_tolerance": making.time_tolerance})


def _patient(
    name: str,
    scenario: Scenario,
    plan: str,
    hidden: Sequence[UncertainConstant],
    making: Making,
    options: RunOptions,
    listener: Listener,
    random: np.random.Generator,
) -> tuple[Truth, SliceStack]:
    values = {one.name: one.drawn(float(random.uniform())) for one in hidden}
    drawn = with_drawn(scenario, plan, values, hidden, where=name)
    drawn, vessels = with_other_vessels(drawn, plan, making.vessels, random)
    within = replace(options, out=options.out / name)
    result = run_plan(drawn, plan, within, replace(listener, say=lambda _: None))
    ratio = _contraction(result, random)
    zone = result["ablation_zone"]
    truth = Truth(name, values, ratio, zone["volume_ml"], zone["long_axis_mm"], zone["short_axis_mm"], vessels)
    axis = mean_axis(placed_applicators(scenario, plan))
    return truth, outlined(_zone(within.out / plan / "necrosis_1mm.nii.gz"), axis, ratio, making, random)


def _contraction(result: Result, random: np.random.Generator) -> float:
    """Length after by length before, anywhere between the strongest and the weakest contraction of the data."""
    estimate = result.get("contracted_zone_estimate")
    if estimate is None:
        return 1.0
    low, high = estimate["length_ratio_range"]
    return float(random.uniform(low, high))


def _zone(file: Path) -> Surface:
    nifti = open_nifti(file)
    grid, mask = nifti_grid(nifti, file), np.asarray(voxels(nifti, file)) > 0
    return Surface(*smooth_surface(mask, grid, blur_mm=vessel_blur_mm(grid), where=str(file)))


def outlined(
    zone: Surface, axis: Floats, length_ratio: float, making: Making, random: np.random.Generator
) -> SliceStack:
    """What a laboratory and a reader make of a zone: contracted, cut across the needle, outlined."""
    middle = zone.centroid_mm
    contracted = Surface(middle + length_ratio * (zone.points_mm - middle), zone.triangles)
    directions = _cutting(axis, making.tilt_degrees, random)
    height = (contracted.points_mm - middle) @ directions[2]
    heights = np.arange(height.min() + random.uniform() * making.slice_gap_mm, height.max(), making.slice_gap_mm)
    if len(heights) < 2:
        heights = np.array([height.min(), height.mean(), height.max()])
    bias = float(random.normal(0.0, making.reader_bias_mm))
    outlines = tuple(
        _outlines(contracted, middle + one * directions[2], directions, bias, making.reader_scatter_mm, random)
        for one in heights
    )
    place = middle + random.normal(0.0, making.pose_mm, 3)
    return SliceStack(place, directions, heights, outlines, notice=NOTICE)


def _cutting(axis: Floats, tilt_degrees: float, random: np.random.Generator) -> Floats:
    """Directions in the slices and across them (3, 3); across lies near the needle."""
    tilt = np.radians(tilt_degrees) * random.uniform(-1.0, 1.0, 2)
    frame = np.linalg.svd(axis[None, :])[2]
    normal = axis + np.tan(tilt) @ frame[1:]
    normal /= np.linalg.norm(normal)
    along = np.cross(normal, frame[1])
    along /= np.linalg.norm(along)
    return np.stack([along, np.cross(normal, along), normal])


def _outlines(
    zone: Surface, origin: Floats, directions: Floats, bias: float, scatter: float, random: np.random.Generator
) -> tuple[Floats, ...]:
    """Outlines (n, 2) of the zone in a slice, by a reader who draws too wide by ``bias`` and unsteadily."""
    from skimage.measure import find_contours

    flat = (zone.points_mm - origin) @ directions[:2].T
    low, high = flat.min(axis=0) - 3.0, flat.max(axis=0) + 3.0
    u, v = np.meshgrid(*(np.arange(a, b, _PIXEL_MM) for a, b in zip(low, high, strict=True)), indexing="ij")
    points = origin + u.reshape(-1, 1) * directions[0] + v.reshape(-1, 1) * directions[1]
    distance = zone.distance_mm(points)
    depth = np.where(zone.contains(points), distance, -distance).reshape(u.shape)
    field = depth + bias + _unsteady(np.arctan2(v, u), scatter, random)
    lines = [line for line in find_contours(field, 0.0) if len(line) > 8 and np.allclose(line[0], line[-1])]
    return tuple(low + _PIXEL_MM * line[:-1] for line in lines)


def _unsteady(angle: Floats, scatter: float, random: np.random.Generator) -> Floats:
    """Displacement of an outline by angle: a few waves, together of the standard deviation ``scatter``."""
    waves = random.normal(0.0, scatter / np.sqrt(_TURNS), (_TURNS, 2))
    return np.asarray(sum(a * np.cos((k + 1) * angle) + b * np.sin((k + 1) * angle) for k, (a, b) in enumerate(waves)))


def _seal(folder: Path, seed: int, making: Making, truths: Sequence[Truth]) -> None:
    data = {"notice": NOTICE, "seed": seed, "making": asdict(making), "patients": [asdict(one) for one in truths]}
    (folder / TRUTH).write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
    text = f"{NOTICE}\nSHA-256 of {TRUTH.as_posix()}, which holds the truth: {sha256(folder / TRUTH)}\n"
    (folder / SEAL).write_text(text, encoding="utf-8")


def unsealed(folder: Path) -> list[Truth]:
    """The truth of a cohort, refused where it is not what was sealed."""
    sealed = (folder / SEAL).read_text(encoding="utf-8").split()[-1]
    if sealed != sha256(folder / TRUTH):
        raise InputError(
            str(folder / TRUTH),
            found="a truth that was changed",
            allowed="the file that was sealed",
            remedy="make it anew",
        )
    data: dict[str, Any] = json.loads((folder / TRUTH).read_text(encoding="utf-8"))
    return [Truth(**one) for one in data["patients"]]


def coverage(found: Calibration, truths: Sequence[Truth]) -> dict[str, float]:
    """Share of the patients whose true value lies in the stated 90 % interval, by parameter."""
    by_name = {truth.name: truth for truth in truths}
    names = list(found.spreads)
    inside = {
        name: [
            case.parameters[name].low <= by_name[case.name].values[name] <= case.parameters[name].high
            for case in found.cases
        ]
        for name in names
    }
    return {name: float(np.mean(hits)) for name, hits in inside.items()}
