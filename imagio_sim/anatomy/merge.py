# SPDX-License-Identifier: LGPL-3.0-or-later
"""Several label volumes of one patient as one, by stated priority."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from imagio_sim.anatomy.lattice import labels_on
from imagio_sim.anatomy.surfaces import grid_around, is_surfaces_only, on_grid
from imagio_sim.anatomy.volume import ClosedSurface, Grid, LabelVolume
from imagio_sim.errors import InputError


def merge(volumes: Sequence[LabelVolume]) -> LabelVolume:
    """One volume in which the first of ``volumes`` wins where labels overlap.

    All must hold the same voxels (in any order); volumes made of surfaces alone come onto the others' grid, or onto a
    common 1 mm grid where there is no other. Labels of the same name become one label.
    """
    if not volumes:
        raise InputError(
            "labels", found="no label file", allowed="at least one", remedy="name the segmentation of the patient"
        )
    grid = common_grid(volumes)
    placed = [on_grid(v, grid) if is_surfaces_only(v) else labels_on(v, grid, where=origin_of(v)) for v in volumes]
    numbers: dict[str, int] = {}
    for volume in placed:
        for number, name in volume.names.items():
            numbers.setdefault(name, number if number not in numbers.values() else max(numbers.values()) + 1)
    labels = np.zeros(grid.shape, dtype=np.int32)
    for volume in reversed(placed):
        present = volume.labels > 0
        labels[present] = renumbering(volume, numbers)[volume.labels[present]]
    return LabelVolume(
        labels,
        grid,
        {number: name for name, number in numbers.items()},
        files={file: digest for volume in placed for file, digest in volume.files.items()},
        surfaces=surfaces_of_one_volume(placed),
        meanings={name: meaning for volume in reversed(placed) for name, meaning in volume.meanings.items()},
    )


def surfaces_of_one_volume(volumes: Sequence[LabelVolume]) -> dict[str, ClosedSurface]:
    """Surfaces by label name; without those of labels that come from several volumes, which no one surface encloses."""
    occurrences = Counter(name for volume in volumes for name in volume.names.values())
    return {name: surface for volume in volumes for name, surface in volume.surfaces.items() if occurrences[name] == 1}


def common_grid(volumes: Sequence[LabelVolume]) -> Grid:
    """Grid of the first voxel volume; around all surfaces where there are only those."""
    for volume in volumes:
        if not is_surfaces_only(volume):
            return volume.grid
    if len(volumes) == 1:
        return volumes[0].grid
    return grid_around([surface for volume in volumes for surface in volume.surfaces.values()])


def origin_of(volume: LabelVolume) -> str:
    """File a volume came from, for messages."""
    return next(iter(volume.files), "labels")


def renumbering(volume: LabelVolume, numbers: dict[str, int]) -> np.ndarray[tuple[int], np.dtype[np.int32]]:
    """Lookup table from the volume's own label numbers to the common ones."""
    table = np.zeros(max(volume.names, default=0) + 1, dtype=np.int32)
    for number, name in volume.names.items():
        table[number] = numbers[name]
    return table
