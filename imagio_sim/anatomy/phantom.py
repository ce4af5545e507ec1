# SPDX-License-Identifier: LGPL-3.0-or-later
"""A digital phantom: a CT and a label map painted from a recipe of simple shapes (``phantoms/*.yaml``)."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from imagio_sim.anatomy.nifti import write_nifti
from imagio_sim.anatomy.volume import Grid, Image, LabelVolume

RECIPE = "liver_phantom"
CT_FILE, LABEL_FILE = "ct.nii.gz", "seg.nii.gz"
ARC_POINTS = 60


@dataclass(frozen=True)
class Phantom:
    """The image and the labels of a phantom, on one grid."""

    image: Image
    labels: LabelVolume


def make_phantom(folder: Path) -> Path:
    """Write the liver phantom's CT and labels into a folder; a folder that holds them already is left alone."""
    if (folder / CT_FILE).is_file() and (folder / LABEL_FILE).is_file():
        return folder
    phantom = build_phantom(load_recipe(RECIPE))
    folder.mkdir(parents=True, exist_ok=True)
    values = np.round(phantom.image.values).astype(np.int16)
    write_whole(folder / CT_FILE, values, phantom.image.grid, None)
    write_whole(folder / LABEL_FILE, phantom.labels.labels.astype(np.uint8), phantom.labels.grid, phantom.labels.names)
    return folder


def write_whole(path: Path, values: NDArray[Any], grid: Grid, names: Mapping[int, str] | None) -> None:
    """Write a NIfTI under another name first, so that an interrupted or parallel run never leaves half a file."""
    with tempfile.TemporaryDirectory(dir=path.parent) as scratch:
        unfinished = Path(scratch) / path.name
        write_nifti(unfinished, values, grid, names)
        os.replace(unfinished, path)


def load_recipe(name: str) -> dict[str, Any]:
    """Recipe of this name."""
    text = (files("imagio_sim.anatomy") / "phantoms" / f"{name}.yaml").read_text(encoding="utf-8")
    return dict(yaml.safe_load(text))


def build_phantom(recipe: Mapping[str, Any]) -> Phantom:
    """Paint a recipe; the same recipe always gives the same voxels."""
    from scipy.ndimage import gaussian_filter

    grid = recipe_grid(recipe)
    points = grid.to_lps(np.indices(grid.shape).reshape(3, -1).T.astype(float))
    labels = np.zeros(len(points), dtype=np.int32)
    values = np.full(len(points), float(recipe["background_hu"]))
    labelled = dict.fromkeys(shape["label"] for shape in recipe["shapes"] if "label" in shape)
    numbers = {name: number for number, name in enumerate(labelled, start=1)}
    for shape in recipe["shapes"]:
        inside = shape_contains(shape, points)
        values[inside] = shape["hu"]
        labels[inside] = numbers.get(shape.get("label"), 0)
    blurred = gaussian_filter(values.reshape(grid.shape), recipe["blur_mm"] / recipe["spacing_mm"])
    noise = np.random.default_rng(recipe["seed"]).normal(0.0, recipe["noise_hu"], grid.shape)
    names = {number: name for name, number in numbers.items()}
    image = Image((blurred + noise).astype(np.float32), grid, "phantom")
    return Phantom(image, LabelVolume(labels.reshape(grid.shape), grid, names))


def recipe_grid(recipe: Mapping[str, Any]) -> Grid:
    """Recipe's voxel grid, axes along L, P and S."""
    affine = np.diag([recipe["spacing_mm"]] * 3 + [1.0])
    affine[:3, 3] = recipe["first_voxel_mm"]
    i, j, k = recipe["shape"]
    return Grid((i, j, k), affine)


def shape_contains(shape: Mapping[str, Any], points_mm: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether points (n, 3) lie in one shape of a recipe."""
    if "ellipsoid" in shape:
        return within(points_mm, **shape["ellipsoid"])
    if "cylinder" in shape:
        return within(points_mm[:, :2], **shape["cylinder"])
    if "tube" in shape:
        tube = shape["tube"]
        return near_line(points_mm, np.array(tube["path"], dtype=float), float(tube["radius"]))
    return near_line(
        points_mm, arc_path(**{k: v for k, v in shape["arc"].items() if k != "radius"}), shape["arc"]["radius"]
    )


def within(points_mm: NDArray[np.float64], centre: list[float], semi_axes: list[float]) -> NDArray[np.bool_]:
    """Inside an ellipsoid of points (n, 3), or an elliptic cylinder along z of points (n, 2)."""
    return np.asarray((((points_mm - np.array(centre)) / np.array(semi_axes)) ** 2).sum(axis=1) <= 1.0)


def arc_path(
    centre: list[float], semi_axes: list[float], angles: list[float], height: list[float]
) -> NDArray[np.float64]:
    """Centre line of a rib (n, 3): elliptic arc between angles [degrees, from L towards P], rising evenly."""
    turn = np.radians(np.linspace(angles[0], angles[1], ARC_POINTS))
    level = np.linspace(height[0], height[1], ARC_POINTS)
    return np.column_stack([centre[0] + semi_axes[0] * np.cos(turn), centre[1] + semi_axes[1] * np.sin(turn), level])


def near_line(points_mm: NDArray[np.float64], path_mm: NDArray[np.float64], radius_mm: float) -> NDArray[np.bool_]:
    """Whether points (n, 3) lie within a radius of a polyline (m, 3)."""
    lower, upper = path_mm.min(axis=0) - radius_mm, path_mm.max(axis=0) + radius_mm
    inside = np.all((points_mm >= lower) & (points_mm <= upper), axis=1)
    candidates = points_mm[inside]
    distance = np.full(len(candidates), np.inf)
    for start, end in pairwise(path_mm):
        along = (end - start) / ((end - start) @ (end - start))
        share = np.clip((candidates - start) @ along, 0.0, 1.0)
        distance = np.minimum(distance, np.linalg.norm(candidates - start - share[:, None] * (end - start), axis=1))
    inside[inside] = distance <= radius_mm
    return np.asarray(inside)
