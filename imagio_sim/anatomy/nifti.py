# SPDX-License-Identifier: LGPL-3.0-or-later
"""NIfTI images and label maps (nibabel); label names from the Caret label table in the header extension.

NIfTI stores RAS; grids are converted to LPS on reading and back on writing.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from imagio_sim.anatomy.frame import affine_from_lps, affine_to_lps
from imagio_sim.anatomy.label_names import LabelNames, name_numbers, sidecar_names
from imagio_sim.anatomy.provenance import hashes
from imagio_sim.anatomy.volume import Grid, Image, LabelVolume
from imagio_sim.errors import InputError

if TYPE_CHECKING:
    import nibabel as nib

FRAME = "RAS"
EXTENSION_OF_LABEL_TABLES = 0
"""Header extension code under which TotalSegmentator (through xmlutils) stores its Caret XML."""


def read_nifti_image(path: Path) -> Image:
    """Scalar 3-D image; scaling of the header applied."""
    nifti = open_nifti(path)
    values = np.asarray(voxels(nifti, path), dtype=np.float32)
    if not np.isfinite(values).all():
        raise InputError(
            str(path),
            found="voxels without a finite value",
            allowed="finite values",
            remedy="replace NaN by the value of air (-1000 HU)",
        )
    return Image(values, nifti_grid(nifti, path), str(path), files=hashes([path]))


def read_nifti_labels(path: Path, names: LabelNames) -> LabelVolume:
    """Label map; names from the caller, then the header extension, then ``labels.json`` beside the file."""
    nifti = open_nifti(path)
    labels = as_labels(voxels(nifti, path), str(path))
    named = name_numbers(labels, names, header_names(nifti), sidecar_names(path), where=str(path))
    return LabelVolume(labels, nifti_grid(nifti, path), named, files=hashes([path]))


def write_nifti(path: Path, values: NDArray[Any], grid: Grid, names: Mapping[int, str] | None = None) -> None:
    """Write values (i, j, k) of an LPS grid; ``names`` go into the header extension, where they are found again."""
    import nibabel as nib

    nifti = nib.Nifti1Image(values, affine_from_lps(grid.affine, FRAME))
    nifti.header.set_xyzt_units("mm")
    nifti.set_qform(nifti.affine, code=1)
    nifti.set_sform(nifti.affine, code=1)
    if names is not None:
        nifti.header.extensions.append(nib.nifti1.Nifti1Extension(EXTENSION_OF_LABEL_TABLES, label_table(names)))
    nib.save(nifti, path)


def label_table(names: Mapping[int, str]) -> bytes:
    """Caret XML label table for these names."""
    root = ElementTree.Element("CaretExtension")
    table = ElementTree.SubElement(ElementTree.SubElement(root, "VolumeInformation", Index="0"), "LabelTable")
    for number, name in names.items():
        ElementTree.SubElement(table, "Label", Key=str(number)).text = name
    return bytes(ElementTree.tostring(root, encoding="utf-8", xml_declaration=True))


def open_nifti(path: Path) -> nib.nifti1.Nifti1Pair:
    """Open the file, or refuse what is no NIfTI."""
    import nibabel as nib
    from nibabel.filebasedimages import ImageFileError

    try:
        if path.suffix == ".gz":
            require_whole_gzip(path)
        opened = nib.load(path)
    except (ImageFileError, OSError, EOFError, zlib.error) as error:
        raise damaged(path, error) from error
    if not isinstance(opened, nib.nifti1.Nifti1Pair):
        raise damaged(path, TypeError(type(opened).__name__))
    return opened


def require_whole_gzip(path: Path) -> None:
    """Read a gzip file to its end, where its checksum stands; nibabel stops at the last voxel and never sees it."""
    with gzip.open(path) as stream:
        while stream.read(2**22):
            pass


def damaged(path: Path, error: Exception) -> InputError:
    """Refusal of a file that cannot be decoded."""
    return InputError(
        str(path),
        found=f"a file that cannot be decoded ({str(error).splitlines()[0] if str(error) else type(error).__name__})",
        allowed="a complete NIfTI file (.nii, or gzip-compressed .nii.gz)",
        remedy="copy or export the file again",
    )


def voxels(nifti: nib.nifti1.Nifti1Pair, path: Path) -> NDArray[Any]:
    """All voxel values (i, j, k); a file that ends early is refused."""
    try:
        values = np.asanyarray(nifti.dataobj)
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise damaged(path, error) from error
    if values.ndim == 4 and values.shape[3] == 1:
        values = values[..., 0]
    if values.ndim != 3:
        raise InputError(
            str(path),
            found=f"an array of shape {values.shape}",
            allowed="one 3-D volume",
            remedy="export a single volume",
        )
    return np.asarray(values)


def nifti_grid(nifti: nib.nifti1.Nifti1Pair, path: Path) -> Grid:
    """Grid in LPS mm; refused without an orientation or in other units than mm."""
    header = nifti.header
    unit = header.get_xyzt_units()[0]
    if not int(header["sform_code"]) and not int(header["qform_code"]):
        raise InputError(
            str(path),
            found="no patient orientation (sform_code and qform_code are 0)",
            allowed="an sform or qform",
            remedy="export it again from 3D Slicer",
        )
    if unit not in ("mm", "unknown"):
        raise InputError(str(path), found=f"lengths in {unit}", allowed="mm", remedy="export it again in mm")
    affine = np.asarray(nifti.affine, dtype=float)
    if not np.isfinite(affine).all() or abs(np.linalg.det(affine[:3, :3])) < 1e-9:
        raise InputError(
            str(path), found="a singular affine", allowed="three independent voxel axes", remedy="export it again"
        )
    i, j, k = nifti.shape[:3]
    return Grid((int(i), int(j), int(k)), affine_to_lps(affine, FRAME))


def header_names(nifti: nib.nifti1.Nifti1Pair) -> dict[int, str]:
    """Names by number from the Caret label table in the header extension; empty where there is none."""
    for extension in nifti.header.extensions:
        content = extension.get_content()
        text = content.decode("utf-8", "replace") if isinstance(content, bytes) else str(content)
        if "LabelTable" not in text:
            continue
        tree = ElementTree.fromstring(text.strip("\0 \n"))
        return {int(label.attrib["Key"]): (label.text or "").strip() for label in tree.iter("Label")}
    return {}


def as_labels(values: NDArray[Any], where: str) -> NDArray[np.int32]:
    """Whole, non-negative numbers as labels; anything else is an image and is refused."""
    labels = values.astype(np.int32)
    if not np.array_equal(labels, values) or int(labels.min(initial=0)) < 0:
        raise InputError(
            where,
            found=f"values from {values.min():g} to {values.max():g} that are no label numbers",
            allowed="whole numbers from 0 (unlabelled) on",
            remedy="give this file as the image, and the segmentation as labels",
        )
    return labels
