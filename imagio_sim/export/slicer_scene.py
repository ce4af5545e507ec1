# SPDX-License-Identifier: LGPL-3.0-or-later
"""A scene of 3D Slicer (MRML) that shows image, segmentation and applicators of a run together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from xml.etree import ElementTree

# Soft tissue of the abdomen on CT [HU].
_WINDOW, _LEVEL = 400.0, 40.0

Attributes = dict[str, str]


def write_slicer_scene(path: Path, *, image: str | None, segmentation: str | None, lines: Sequence[str]) -> None:
    """Write ``scene.mrml``; files are named relative to it.

    Parameters
    ----------
    image
        CT to show behind, if there is one.
    segmentation
        ``.seg.nrrd`` with zone, target and structures, if there is any.
    lines
        One markup per applicator.
    """
    scene = ElementTree.Element("MRML", {"version": "Slicer4.4.0", "userTags": ""})
    nodes = [*_volume(image), *_segmentation(segmentation)]
    for number, line in enumerate(lines, start=1):
        nodes += _line(number, line)
    for kind, attributes in nodes:
        ElementTree.SubElement(scene, kind, attributes)
    ElementTree.indent(scene)
    path.write_bytes(ElementTree.tostring(scene, encoding="utf-8", xml_declaration=True) + b"\n")


def _volume(image: str | None) -> Iterator[tuple[str, Attributes]]:
    if image is None:
        return
    storage, display = "vtkMRMLVolumeArchetypeStorageNode1", "vtkMRMLScalarVolumeDisplayNode1"
    yield "VolumeArchetypeStorage", {"id": storage, "fileName": image, "useOrientationFromFile": "true"}
    look = {"window": f"{_WINDOW:g}", "level": f"{_LEVEL:g}", "autoWindowLevel": "0"}
    yield "VolumeDisplay", {"id": display, "colorNodeRef": "vtkMRMLColorTableNodeGrey", **look}
    yield "Volume", _shown("vtkMRMLScalarVolumeNode1", "image", storage, display)
    for view in ("Red", "Yellow", "Green"):
        yield (
            "SliceComposite",
            {
                "id": f"vtkMRMLSliceCompositeNode{view}",
                "layoutName": view,
                "backgroundVolumeID": "vtkMRMLScalarVolumeNode1",
            },
        )


def _segmentation(file: str | None) -> Iterator[tuple[str, Attributes]]:
    if file is None:
        return
    storage, display = "vtkMRMLSegmentationStorageNode1", "vtkMRMLSegmentationDisplayNode1"
    yield "SegmentationStorage", {"id": storage, "fileName": file}
    yield "SegmentationDisplay", {"id": display, "visibility": "true", "opacity": "0.6", "visibility3D": "true"}
    yield "Segmentation", _shown("vtkMRMLSegmentationNode1", "simulated zone and target", storage, display)


def _line(number: int, file: str) -> Iterator[tuple[str, Attributes]]:
    storage, display = f"vtkMRMLMarkupsJsonStorageNode{number}", f"vtkMRMLMarkupsDisplayNode{number}"
    yield "MarkupsJsonStorage", {"id": storage, "fileName": file, "coordinateSystem": "LPS"}
    yield "MarkupsDisplay", {"id": display, "visibility": "true", "propertiesLabelVisibility": "true"}
    yield "MarkupsLine", _shown(f"vtkMRMLMarkupsLineNode{number}", file.removesuffix(".mrk.json"), storage, display)


def _shown(identifier: str, name: str, storage: str, display: str) -> Attributes:
    return {"id": identifier, "name": name, "storageNodeRef": storage, "displayNodeRef": display}
