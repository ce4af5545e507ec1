# SPDX-License-Identifier: LGPL-3.0-or-later
"""Reading an image or a segmentation, whatever its format: the reader is chosen by what the path holds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from imagio_sim.anatomy.dicom_series import dicom_headers, find_series, read_series_image
from imagio_sim.anatomy.label_names import LabelNames, keep_structures, only_label
from imagio_sim.anatomy.lattice import embedded, labels_on
from imagio_sim.anatomy.pieces import largest_pieces
from imagio_sim.anatomy.provenance import require
from imagio_sim.anatomy.volume import Grid, Image, LabelVolume
from imagio_sim.errors import InputError

if TYPE_CHECKING:
    import pydicom

Format = Literal["nifti", "nrrd", "segmentation nrrd", "dicom series", "dicom-seg", "rtstruct", "surfaces"]
LABEL_FORMATS = (
    "NIfTI, NRRD, .seg.nrrd, DICOM-SEG, RTSTRUCT, or closed surfaces (VTK, VTP, STL, PLY; one file or a folder of them)"
)
IMAGE_FORMATS = "NIfTI, NRRD, or a folder with one DICOM series"


def format_of(path: Path) -> Format | None:
    """Which format a path holds, by its suffix, and for DICOM by its content; None where none is known."""
    from imagio_sim.anatomy.surfaces import SUFFIXES, surface_files

    name = path.name.lower()
    if path.is_dir():
        return "surfaces" if surface_files(path) else dicom_format(path)
    if name.endswith((".nii", ".nii.gz")):
        return "nifti"
    if name.endswith((".nrrd", ".nhdr")):
        return "segmentation nrrd" if name.endswith(".seg.nrrd") else "nrrd"
    return "surfaces" if name.endswith(SUFFIXES) else dicom_format(path)


def dicom_format(path: Path) -> Format | None:
    """Segmentation, contours or image series, by the modality the DICOM headers state."""
    modalities = {str(header.get("Modality", "")) for _, header in dicom_files(path)}
    if modalities == {"SEG"}:
        return "dicom-seg"
    if modalities == {"RTSTRUCT"}:
        return "rtstruct"
    return "dicom series" if modalities else None


def dicom_files(path: Path) -> list[tuple[Path, pydicom.FileDataset]]:
    """DICOM files of a folder, or the one file, with their headers."""
    if path.is_dir():
        return list(dicom_headers(path))
    return [(file, header) for file, header in dicom_headers(path.parent) if file == path]


def read_image(path: Path) -> Image:
    """Image of a NIfTI or NRRD file or a folder with one DICOM series, on its own grid in LPS mm."""
    require(path, IMAGE_FORMATS)
    found = format_of(path)
    if found == "nifti":
        from imagio_sim.anatomy.nifti import read_nifti_image

        return read_nifti_image(path)
    if found == "nrrd":
        from imagio_sim.anatomy.nrrd_file import read_nrrd_image

        return read_nrrd_image(path)
    if found == "dicom series" and path.is_dir():
        return read_series_image(path)
    raise unreadable(path, found, IMAGE_FORMATS)


def read_labels(
    path: Path,
    *,
    names: LabelNames | None = None,
    structures: Sequence[str] | None = None,
    reference: Grid | None = None,
    image_path: Path | None = None,
    largest_component: bool = False,
    name: str | None = None,
) -> LabelVolume:
    """Labels of a segmentation file or a folder of surfaces.

    Parameters
    ----------
    names
        Label names by number or by the structure's name in the file, where it has none or others are wanted.
        Surfaces and segments count from 1.
    structures
        The structures to take (after ``names``), first wins where they overlap; all by default (see the readers for
        who wins then).
    reference
        The grid the labels are to come on. Label maps must hold the same voxels, DICOM-SEG and ``.seg.nrrd`` may be
        cut-outs of it, surfaces are rasterised onto it.
    image_path
        The patient's image: RTSTRUCT needs its DICOM series, DICOM-SEG, ``.seg.nrrd`` and surfaces come onto its grid
        where no ``reference`` is given.
    largest_component
        Keep only the largest connected piece of each structure.
    name
        What the file's one structure is, for a binary mask, a single surface, or a selection of one.
    """
    require(path, LABEL_FORMATS)
    volume = read_any(path, names or {}, structures, reference, image_path, largest_component)
    if largest_component and not volume.surfaces:
        volume = largest_pieces(volume)
    return volume if name is None else only_label(volume, name, where=str(path))


def read_any(
    path: Path,
    given: LabelNames,
    structures: Sequence[str] | None,
    reference: Grid | None,
    image_path: Path | None,
    largest_component: bool,
) -> LabelVolume:
    """Read the labels with the reader for what the path holds; arguments as those of :func:`read_labels`."""
    found = format_of(path)
    if found in ("nifti", "nrrd"):
        volume = read_label_map(path, found, given, structures)
        return volume if reference is None else labels_on(volume, reference, where=str(path))
    if found == "rtstruct":
        return read_contours(path, given, structures, image_path, reference)
    if found == "surfaces":
        from imagio_sim.anatomy.surfaces import read_surfaces, surface_files

        grid = reference or image_grid(image_path)
        files = surface_files(path) if path.is_dir() else [path]
        return read_surfaces(
            files, names=given, structures=structures, reference=grid, largest_component=largest_component
        )
    if found in ("segmentation nrrd", "dicom-seg"):
        volume = read_segments(path, found, given, structures)
        grid = reference or image_grid(image_path)
        return volume if grid is None else embedded(volume, grid, where=str(path))
    raise unreadable(path, found, LABEL_FORMATS)


def read_label_map(path: Path, found: Format, names: LabelNames, structures: Sequence[str] | None) -> LabelVolume:
    """NIfTI or NRRD label map on its own grid."""
    if found == "nifti":
        from imagio_sim.anatomy.nifti import read_nifti_labels

        return keep_structures(read_nifti_labels(path, names), structures, where=str(path))
    from imagio_sim.anatomy.nrrd_file import read_nrrd_labels

    return read_nrrd_labels(path, names, structures)


def read_segments(path: Path, found: Format, names: LabelNames, structures: Sequence[str] | None) -> LabelVolume:
    """Slicer segmentation or a DICOM-SEG on the grid it spans."""
    if found == "dicom-seg":
        from imagio_sim.anatomy.dicom_seg import read_dicom_seg

        return read_dicom_seg(single_file(path), names, structures)
    from imagio_sim.anatomy.nrrd_file import read_nrrd_labels

    return read_nrrd_labels(path, names, structures)


def read_contours(
    path: Path,
    names: LabelNames,
    structures: Sequence[str] | None,
    image_path: Path | None,
    reference: Grid | None,
) -> LabelVolume:
    """RTSTRUCT contours on the grid of the DICOM series in ``image_path``."""
    from imagio_sim.anatomy.rtstruct import read_rtstruct

    if image_path is None or not image_path.is_dir():
        raise InputError(
            str(path),
            found=f"image {image_path}" if image_path else "contours without an image",
            allowed="the DICOM series the contours were drawn on",
            remedy="give the folder of the CT series as the image",
        )
    volume = read_rtstruct(single_file(path), find_series(image_path), names, structures)
    return volume if reference is None else labels_on(volume, reference, where=str(path))


def single_file(path: Path) -> Path:
    """File itself, or the only DICOM file of a folder."""
    files = [file for file, _ in dicom_files(path)]
    if len(files) != 1:
        raise InputError(
            str(path), found=f"{len(files)} DICOM files", allowed="one segmentation", remedy="name the file itself"
        )
    return files[0]


def image_grid(image_path: Path | None) -> Grid | None:
    """Grid of the image, without its pixels where the format allows it."""
    if image_path is None:
        return None
    require(image_path, IMAGE_FORMATS)
    if image_path.is_dir():
        return find_series(image_path).grid
    return read_image(image_path).grid


def unreadable(path: Path, found: Format | None, allowed: str) -> InputError:
    """Refusal of a path in no format, or in one that does not hold what is wanted."""
    content = {None: "a file or folder of no known format", "dicom series": "a DICOM image series"}
    return InputError(
        str(path),
        found=content.get(found, f"{found}"),
        allowed=allowed,
        remedy="check the path, or convert it (3D Slicer exports all of these)",
    )
