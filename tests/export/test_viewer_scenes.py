# SPDX-License-Identifier: LGPL-3.0-or-later
"""Surfaces, applicators and scenes for ParaView and 3D Slicer."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import pyvista

from imagio_sim.devices.applicator import PlacedApplicator, Rod
from imagio_sim.export.markups import write_line
from imagio_sim.export.paraview import ShownSurface, write_paraview_view
from imagio_sim.export.slicer_scene import write_slicer_scene
from imagio_sim.export.surfaces import write_applicators, write_surface
from imagio_sim.export.xdmf import FieldSeries
from imagio_sim.meshing.phantoms import box
from imagio_sim.plan.markup import read_line

STRAIGHT = Rod("shaft", ((0.0, 0.0, 0.0), (0.0, 0.0, 80.0)), 0.75, "cone", 3.0, ())
BENT = Rod("tine", ((5.0, 0.0, 0.0), (8.0, 0.0, 4.0), (8.0, 0.0, 9.0)), 0.3, "flat", 0.0, ())
NEEDLE = PlacedApplicator("needle", "device", (STRAIGHT,), (0.0, 0.0, 80.0), (0.0, 0.0, 0.0))
TINED = PlacedApplicator("tined", "device", (STRAIGHT, BENT), (0.0, 0.0, 80.0), (1.0, 2.0, 3.0))


def ball(radius: float) -> pyvista.PolyData:
    return pyvista.Sphere(radius=radius, center=(5.0, 5.0, 5.0))


def test_a_surface_encloses_the_same_volume_when_read_again(tmp_path: Path) -> None:
    sphere = ball(4.0)
    write_surface(tmp_path / "zone.vtu", sphere.points.astype(float), sphere.regular_faces.astype(np.int64))
    read = pyvista.read(tmp_path / "zone.vtu").extract_surface()
    assert read.volume == pytest.approx(sphere.volume, rel=1e-6)
    assert read.bounds == pytest.approx(sphere.bounds, abs=1e-5)


def test_applicators_are_the_centre_lines_of_their_rods_with_radius_and_number(tmp_path: Path) -> None:
    write_applicators(tmp_path / "applicators.vtu", [NEEDLE, TINED])
    read = pyvista.read(tmp_path / "applicators.vtu")
    assert read.n_cells == 1 + 1 + 2
    assert list(read.cell_data["applicator"]) == [0, 1, 1, 1]
    assert list(read.cell_data["radius_mm"]) == [0.75, 0.75, 0.3, 0.3]
    assert read.compute_cell_sizes().cell_data["Length"].sum() == pytest.approx(160.0 + 10.0)


def test_a_line_goes_back_into_a_scenario_as_a_markup(tmp_path: Path) -> None:
    write_line(tmp_path / "tined.mrk.json", TINED)
    entry, tip = read_line(tmp_path / "tined.mrk.json")
    assert (tuple(entry), tuple(tip)) == (TINED.entry_mm, TINED.tip_mm)


@pytest.mark.parametrize("image", ["ct.nrrd", None])
def test_every_node_of_a_scene_finds_its_storage_and_display(tmp_path: Path, image: str | None) -> None:
    write_slicer_scene(tmp_path / "s.mrml", image=image, segmentation="z.seg.nrrd", lines=["a.mrk.json", "b.mrk.json"])
    nodes = list(ElementTree.parse(tmp_path / "s.mrml").getroot())
    known = {node.attrib["id"]: node for node in nodes}
    assert len(known) == len(nodes)
    shown = [node for node in nodes if "storageNodeRef" in node.attrib]
    assert [node.tag for node in shown] == [
        *(["Volume"] if image else []),
        "Segmentation",
        "MarkupsLine",
        "MarkupsLine",
    ]
    for node in shown:
        assert node.attrib["displayNodeRef"] in known
    files = [known[node.attrib["storageNodeRef"]].attrib["fileName"] for node in shown]
    assert files == [*([image] if image else []), "z.seg.nrrd", "a.mrk.json", "b.mrk.json"]


def test_paraview_shows_zone_needles_and_fields_at_once(tmp_path: Path) -> None:
    command = os.environ.get("IMAGIO_PVBATCH") or shutil.which("pvbatch")
    if not command:
        pytest.skip("no pvbatch: set IMAGIO_PVBATCH to the command that starts it")
    domain = box(4, 10.0)
    series = FieldSeries.create(tmp_path / "fields.xdmf", domain, {})
    series.append(0.0, {"temperature_degC": domain.points_mm[:, 0] + 37.0}, {})
    series.append(9.0, {"temperature_degC": domain.points_mm[:, 0] + 57.0}, {})
    write_surface(tmp_path / "zone.vtu", ball(3.0).points.astype(float), ball(3.0).regular_faces.astype(np.int64))
    write_applicators(tmp_path / "applicators.vtu", [NEEDLE])
    write_paraview_view(
        tmp_path / "view.py",
        title="a case: a plan",
        series=["fields.xdmf"],
        surfaces=[ShownSurface("zone.vtu", "zone", (1.0, 0.0, 1.0), 1.0)],
        applicators="applicators.vtu",
    )
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    arguments = [*shlex.split(command), str(tmp_path / "view.py"), str(tmp_path / "p.png")]
    subprocess.run(arguments, capture_output=True, text=True, timeout=300, check=True, cwd=elsewhere)
    picture = pyvista.read(tmp_path / "p.png").active_scalars.reshape(-1, 3).astype(int)
    magenta = (picture[:, 0] > 120) & (picture[:, 1] < 60) & (picture[:, 2] > 120)
    dark = (picture.max(axis=1) < 90) & (picture.min(axis=1) > 20)
    assert magenta.mean() > 0.005  # the zone
    assert dark.mean() > 0.001  # the needle
    assert (picture.min(axis=1) > 250).mean() > 0.2  # on white
