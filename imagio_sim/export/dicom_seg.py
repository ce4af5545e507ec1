# SPDX-License-Identifier: LGPL-3.0-or-later
"""The ablation zone as DICOM Segmentation on the series it was planned on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from imagio_sim.anatomy.volume import Grid
from imagio_sim.export.dicom_source import missing_of, pixels_of, provenance, read_sources, save_whole

if TYPE_CHECKING:
    import highdicom
    import pydicom


def write_dicom_seg(
    path: Path, labels: NDArray[np.uint8], grid: Grid, series: Sequence[Path], *, plan: str, version: str
) -> str | None:
    """Write the zone as a binary segmentation that refers to its source images.

    Parameters
    ----------
    labels, grid
        Label map (i, j, k), not 0 in the zone, and where its voxels lie; read at the pixels of the series.
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
    if reason is None:
        masks = np.stack([_slice_mask(source, labels, grid) for source in sources])
        reason = None if masks.any() else "the ablation zone lies outside the DICOM series"
    if reason is not None:
        return reason
    segmentation = _segmentation(sources, masks, plan, version)
    save_whole(path, segmentation)
    return None


def _slice_mask(source: pydicom.Dataset, labels: NDArray[np.uint8], grid: Grid) -> NDArray[np.bool_]:
    """Zone at the pixels (rows, columns) of one source image."""
    voxel, inside = pixels_of(source, grid)
    return np.asarray((inside & (labels[tuple(voxel.T)] > 0)).reshape(source.Rows, source.Columns))


def _segmentation(
    sources: Sequence[pydicom.Dataset], masks: NDArray[np.bool_], plan: str, version: str
) -> highdicom.seg.Segmentation:
    import highdicom
    from pydicom.sr.codedict import codes

    # No code of the standard's list of algorithm families (CID 7162, extensible) means a simulation.
    family = highdicom.sr.CodedConcept("simulation", "99IMAGIO", "Numerical simulation")
    algorithm = highdicom.AlgorithmIdentificationSequence(
        name="imagio-sim", version=version, family=family, source="imagio-sim"
    )
    segment = highdicom.seg.SegmentDescription(
        segment_number=1,
        segment_label="Simulated ablation zone",
        segmented_property_category=codes.SCT.MorphologicallyAbnormalStructure,
        segmented_property_type=codes.SCT.Necrosis,
        algorithm_type=highdicom.seg.SegmentAlgorithmTypeValues.AUTOMATIC,
        algorithm_identification=algorithm,
    )
    return highdicom.seg.Segmentation(
        source_images=sources,
        pixel_array=masks.astype(np.uint8),
        segmentation_type=highdicom.seg.SegmentationTypeValues.BINARY,
        segment_descriptions=[segment],
        series_instance_uid=highdicom.UID(),
        series_number=9000,
        sop_instance_uid=highdicom.UID(),
        instance_number=1,
        **provenance(plan, version),
        omit_empty_frames=True,
    )
