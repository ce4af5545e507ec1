# SPDX-License-Identifier: LGPL-3.0-or-later
"""A field of the simulation as DICOM Parametric Map on the series it was planned on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from imagio_sim.anatomy.volume import Grid
from imagio_sim.export.dicom_source import missing_of, pixels_of, provenance, read_sources, save_whole

if TYPE_CHECKING:
    import highdicom
    import pydicom


@dataclass(frozen=True)
class Quantity:
    """What the values of a map are: a name, and a unit by its code and meaning in UCUM."""

    name: str
    unit: str
    unit_meaning: str


PEAK_TEMPERATURE = Quantity("Highest temperature reached", "Cel", "degree Celsius")
LOWEST_TEMPERATURE = Quantity("Lowest temperature reached", "Cel", "degree Celsius")
ABSORBED_DOSE = Quantity("Absorbed dose", "Gy", "gray")


def write_dicom_map(
    path: Path,
    values: NDArray[np.float64],
    grid: Grid,
    series: Sequence[Path],
    quantity: Quantity,
    *,
    plan: str,
    version: str,
) -> str | None:
    """Write a map that refers to its source images.

    Parameters
    ----------
    values, grid
        The field (i, j, k), nan where it is not known, and where its voxels lie; images on which it is not known at
        all are left out.
    series
        The files of the DICOM series the plan was made on.
    plan, version
        Name of the plan, and version of the program.

    Returns
    -------
    str or None
        Why nothing was written, or None when it was.
    """
    sources = read_sources(series)
    reason = missing_of(sources)
    if reason is not None:
        return reason
    frames = [(source, _frame(source, values, grid)) for source in sources]
    known = [(source, frame) for source, frame in frames if np.isfinite(frame).any()]
    if not known:
        return "the simulated region lies outside the DICOM series"
    lowest = float(np.nanmin([np.nanmin(frame) for _, frame in known]))
    filled = np.stack([np.where(np.isfinite(frame), frame, lowest) for _, frame in known]).astype(np.float32)
    save_whole(path, _map([source for source, _ in known], filled, quantity, plan, version))
    return None


def _frame(source: pydicom.Dataset, values: NDArray[np.float64], grid: Grid) -> NDArray[np.float64]:
    """The field at the pixels (rows, columns) of one source image."""
    voxel, inside = pixels_of(source, grid)
    found = np.where(inside, values[tuple(voxel.T)], np.nan)
    return np.asarray(found.reshape(source.Rows, source.Columns))


def _map(
    sources: Sequence[pydicom.Dataset], frames: NDArray[np.float32], quantity: Quantity, plan: str, version: str
) -> highdicom.pm.ParametricMap:
    import highdicom

    low, high = float(frames.min()), float(frames.max())
    meaning = highdicom.pm.RealWorldValueMapping(
        lut_label=quantity.name[:16],
        lut_explanation=quantity.name,
        unit=highdicom.sr.CodedConcept(quantity.unit, "UCUM", quantity.unit_meaning),
        value_range=(low, high),
        slope=1.0,
        intercept=0.0,
    )
    window = highdicom.VOILUTTransformation(window_center=0.5 * (low + high), window_width=max(high - low, 1.0))
    made = highdicom.pm.ParametricMap(
        source_images=sources,
        pixel_array=frames,
        series_instance_uid=highdicom.UID(),
        series_number=9001,
        sop_instance_uid=highdicom.UID(),
        instance_number=1,
        contains_recognizable_visual_features=False,
        real_world_value_mappings=[meaning],
        voi_lut_transformations=[window],
        **provenance(plan, version),
    )
    made.Laterality = ""  # may be unknown, but not missing, where a body part could be paired (PS3.3 C.7.3.1)
    return made
