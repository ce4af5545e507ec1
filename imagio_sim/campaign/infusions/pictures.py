# SPDX-License-Identifier: LGPL-3.0-or-later
"""Pictures of what infusions brought, in planes and as histograms, and of who killed what."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates

from imagio_sim.anatomy.volume import Grid
from imagio_sim.campaign.infusions.absorbed_dose import InfusionDose
from imagio_sim.campaign.infusions.delivery import Delivered
from imagio_sim.campaign.infusions.dose_assessment import on_grid
from imagio_sim.campaign.infusions.drug_report import DrugOnMesh
from imagio_sim.campaign.infusions.report import Infused
from imagio_sim.outcome.attribution import Attribution
from imagio_sim.outcome.drug_statistics import VolumeHistogram
from imagio_sim.tissue.death.combination import COMBINATION
from imagio_sim.view.curves import HistogramCurve, draw_volume_histograms
from imagio_sim.view.maps import FieldMap, draw_classes, draw_map
from imagio_sim.view.report import Picture
from imagio_sim.view.scene import Scene

Floats = NDArray[np.float64]

PERFUSION_FIELD = "perfusion_factor"
_DOSE_LINES_GY = (30.0, 60.0, 120.0, 200.0, 400.0)
_NO_DOSE_GY = 1.0
_LINES = "White line: target; blue line: zone."
# Colours of a drug span so much below the highest concentration.
_LOWEST_SHOWN = 1e-3
_FARTHEST_MM, _SAMPLES_MM = 140.0, 1.0
_CLASS_COLOURS = ("#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#0072B2")
_COMBINATION_COLOUR = "#F0E442"


def infusion_pictures(folder: Path, scene: Scene, infused: Infused) -> list[Picture]:
    """Write the pictures that this plan has something for."""
    return [
        *_depositions(folder, scene, infused.delivered),
        *_perfusion(folder, scene, infused),
        *_doses(folder, scene, infused.doses),
        *_drugs(folder, scene, infused),
        *_killers(folder, scene, infused.attribution),
    ]


def _depositions(folder: Path, scene: Scene, delivered: Sequence[Delivered]) -> Iterator[Picture]:
    for one in delivered:
        grid, share = one.deposition.grid, one.deposition.share
        per_ml = np.asarray(100.0 * share / (grid.voxel_volume_mm3 / 1000.0), dtype=np.float64)
        reached = grid.to_lps(np.argwhere(one.territory.share > 0.0).astype(float))
        field = FieldMap(
            title=f"deposited by {one.name}",
            unit="% of what was given per ml",
            at=_of_voxels(grid.nearest, per_ml),
            low=0.0,
            high=float(np.quantile(per_ml[share > 0.0], 0.995)),
            reach_mm=min(float(np.linalg.norm(reached - scene.centre_mm, axis=1).max()) + 5.0, _FARTHEST_MM),
        )
        path = folder / f"deposition_{one.name}.png"
        draw_map(path, scene, field)
        yield Picture(path, f"Where {one.name} went. {_LINES}")


def _of_voxels(
    nearest: Callable[[Floats], tuple[NDArray[np.int64], NDArray[np.bool_]]], values: Floats
) -> Callable[[Floats], Floats]:
    def at(points_mm: Floats) -> Floats:
        voxel, inside = nearest(points_mm)
        return np.where(inside, values[tuple(voxel.T)], np.nan)

    return at


def _of_nodes(scene: Scene, nodal: Floats) -> Callable[[Floats], Floats]:
    return lambda points_mm: scene.probe.values(nodal, points_mm)


def _perfusion(folder: Path, scene: Scene, infused: Infused) -> Iterator[Picture]:
    """What was embolised, as what it lacks: tissue with all of its blood is not coloured."""
    if PERFUSION_FIELD not in infused.fields:
        return
    lost = 100.0 * (1.0 - infused.fields[PERFUSION_FIELD])
    if not lost.max() > 0.0:
        return
    field = FieldMap("perfusion lost by embolisation", "% of that before", _of_nodes(scene, lost), 0.0, 100.0)
    draw_map(folder / "perfusion.png", scene, field)
    yield Picture(folder / "perfusion.png", f"How much blood flow embolisation took from the tissue. {_LINES}")


def _doses(folder: Path, scene: Scene, given: Sequence[InfusionDose]) -> Iterator[Picture]:
    """Dose by kernel when all has decayed, in planes and as histograms of what a planner weighs against each other."""
    if not given:
        return
    grid, first = given[0].dose.grid, given[0].delivered
    dose = np.sum([on_grid(one.dose.kernel, one.dose.grid, grid) for one in given], axis=0)
    highest = float(np.quantile(dose[dose > _NO_DOSE_GY], 0.999))
    field = FieldMap("absorbed dose", "Gy", _between_voxels(grid, dose), 0.0, highest, contours=_DOSE_LINES_GY)
    draw_map(folder / "dose.png", scene, field)
    yield Picture(folder / "dose.png", f"Absorbed dose by kernel when all has decayed. {_LINES}")
    reached = np.max([on_grid(one.delivered.territory.share, one.dose.grid, grid) for one in given], axis=0)
    parts = {
        "target": first.target.astype(float),
        "organ reached, without target": np.where(first.target, 0.0, reached),
        "organ without target": (first.organ & ~first.target).astype(float),
    }
    curves = [
        HistogramCurve(name, *VolumeHistogram(dose[share > 0.0], share[share > 0.0]).curve())
        for name, share in parts.items()
        if share.any()
    ]
    draw_volume_histograms(folder / "dose_histogram.png", curves, "absorbed dose [Gy]", scene.title)
    yield Picture(folder / "dose_histogram.png", "Share of each part with at least so much dose when all has decayed.")


def _between_voxels(grid: Grid, values: Floats) -> Callable[[Floats], Floats]:
    def at(points_mm: Floats) -> Floats:
        index = grid.to_index(points_mm).T
        return np.asarray(map_coordinates(values, index, order=1, mode="constant", cval=0.0))

    return at


def _drugs(folder: Path, scene: Scene, infused: Infused) -> Iterator[Picture]:
    for name, drug in infused.drugs.items():
        highest = float(drug.concentration.max())
        if not highest > 0.0:
            continue
        field = FieldMap(
            title=f"{name} in tissue at the end",
            unit="µmol/l",
            at=_of_nodes(scene, drug.concentration),
            low=_LOWEST_SHOWN * highest,
            high=highest,
            logarithmic=True,
        )
        path = folder / f"drug_{name}.png"
        draw_map(path, scene, field)
        yield Picture(path, f"{name.capitalize()} per volume of tissue: free, bound and in cells. {_LINES}")
        yield from _drug_histogram(folder, scene, name, drug)


def _drug_histogram(folder: Path, scene: Scene, name: str, drug: DrugOnMesh) -> Iterator[Picture]:
    if scene.target is None:
        return
    samples = scene.target.interior_samples(_SAMPLES_MM)
    curves = [HistogramCurve("target", *VolumeHistogram.of(scene.probe, drug.concentration, samples).curve())]
    path = folder / f"drug_{name}_histogram.png"
    draw_volume_histograms(path, curves, f"{name} in tissue [µmol/l]", scene.title)
    yield Picture(path, f"Share of the target with at least so much {name} at the end.")


def _killers(folder: Path, scene: Scene, found: Attribution) -> Iterator[Picture]:
    """Classes of dead tissue, where more than one agent acts."""
    volumes = found.region.volumes_mm3
    if len(found.agents) < 2 or not volumes:
        return
    names = sorted((name for name in volumes if name != COMBINATION), key=lambda name: -volumes[name])
    shown = names[: len(_CLASS_COLOURS)]
    colours = dict(zip(shown, _CLASS_COLOURS, strict=False))
    if COMBINATION in volumes:
        shown, colours[COMBINATION] = [*shown, COMBINATION], _COMBINATION_COLOUR
    path = folder / "who_killed_what.png"
    draw_classes(path, scene, "who killed what", lambda points: found.classes_at(scene.probe, points, shown), colours)
    yield Picture(path, f"What was enough to kill the tissue; combination: none alone, all together. {_LINES}")
