# SPDX-License-Identifier: LGPL-3.0-or-later
import json
import os
import shlex
import shutil
import subprocess
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest
import pyvista

from imagio_sim.errors import InputError
from imagio_sim.export.xdmf import FieldSeries
from imagio_sim.meshing.domain import Domain
from tests.outcome.meshes import box_mesh, half_plane


@pytest.fixture(scope="module")
def domain() -> Domain:
    return box_mesh(half_mm=10.0, spacing_mm=4.0)[0]


def temperature(domain: Domain, time_s: float) -> np.ndarray:
    return 37.0 + time_s * np.exp(-np.linalg.norm(domain.points_mm, axis=1) / 5.0)


def labels(domain: Domain) -> np.ndarray:
    return np.where(domain.points_mm[domain.cells].mean(axis=1)[:, 0] > 0, 2, 1).astype(np.int16)


def written(path: Path, domain: Domain, times: tuple[float, ...] = (0.0, 10.0, 20.0)) -> FieldSeries:
    series = FieldSeries.create(path, domain, {"label": labels(domain)})
    for time in times:
        add(series, domain, time)
    return series


def add(series: FieldSeries, domain: Domain, time: float) -> None:
    nodal = {
        "temperature_degC": temperature(domain, time),
        "flux": np.outer(temperature(domain, time), [1.0, 0.0, 2.0]),
    }
    series.append(time, nodal, {"joule heat": np.full(len(domain.cells), time)})


def test_vtk_opens_the_series_with_all_fields_on_one_grid(tmp_path: Path, domain: Domain) -> None:
    written(tmp_path / "fields.xdmf", domain)
    reader = pyvista.get_reader(tmp_path / "fields.xdmf")
    assert reader.time_values == [0.0, 10.0, 20.0]
    reader.set_active_time_value(20.0)
    grid = reader.read()
    grid = grid[0] if isinstance(grid, pyvista.MultiBlock) else grid
    assert set(grid.point_data) == {"temperature_degC", "flux"}
    assert set(grid.cell_data) == {"label", "joule heat"}
    assert grid.points == pytest.approx(domain.points_mm, abs=1e-5)
    assert (grid.cells.reshape(-1, 5)[:, 1:] == domain.cells).all()
    assert grid.point_data["temperature_degC"] == pytest.approx(temperature(domain, 20.0), rel=1e-6)
    assert (grid.cell_data["label"] == labels(domain)).all()
    assert grid.cell_data["joule heat"][0] == 20.0


def test_static_fields_are_stored_once_and_named_at_every_time(tmp_path: Path, domain: Domain) -> None:
    written(tmp_path / "fields.xdmf", domain)
    text = (tmp_path / "fields.xdmf").read_text()
    assert text.count("fields/mesh.h5:/cell/label") == 3
    assert text.count('Name="fields"') == 1


def test_a_restart_drops_later_steps_and_goes_on(tmp_path: Path, domain: Domain) -> None:
    path = tmp_path / "fields.xdmf"
    written(path, domain)
    series = FieldSeries.resume(path, 10.0)
    assert series.times_s == (0.0, 10.0)
    add(series, domain, 15.0)
    reader = pyvista.get_reader(path)
    assert reader.time_values == [0.0, 10.0, 15.0]
    assert sorted(p.name for p in (tmp_path / "fields").iterdir())[-1] == "step_000002.h5"


def test_a_step_cut_off_in_the_middle_leaves_the_series_readable(tmp_path: Path, domain: Domain) -> None:
    path = tmp_path / "fields.xdmf"
    series = written(path, domain)
    with pytest.raises(ValueError, match="shape"):
        series.append(30.0, {"temperature_degC": np.zeros(3)}, {})
    (tmp_path / "fields" / ".step_000003.h5.partial").write_bytes(b"half a file")
    assert pyvista.get_reader(path).time_values == [0.0, 10.0, 20.0]
    assert FieldSeries.resume(path, 20.0).times_s == (0.0, 10.0, 20.0)


def test_a_new_series_replaces_an_old_one(tmp_path: Path, domain: Domain) -> None:
    path = tmp_path / "fields.xdmf"
    written(path, domain)
    written(path, domain, times=(1.0,))
    assert pyvista.get_reader(path).time_values == [1.0]


def test_time_runs_forward_only(tmp_path: Path, domain: Domain) -> None:
    series = written(tmp_path / "fields.xdmf", domain)
    with pytest.raises(ValueError, match="does not come after"):
        add(series, domain, 20.0)


def test_a_series_without_steps_shows_the_mesh(tmp_path: Path, domain: Domain) -> None:
    FieldSeries.create(tmp_path / "fields.xdmf", domain, {"label": labels(domain)})
    grid = pyvista.get_reader(tmp_path / "fields.xdmf").read()
    grid = grid[0] if isinstance(grid, pyvista.MultiBlock) else grid
    assert grid.n_cells == len(domain.cells)


def test_resuming_without_a_series_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no field series"):
        FieldSeries.resume(tmp_path / "fields.xdmf", 0.0)


def test_the_folder_of_a_run_can_be_moved(tmp_path: Path, domain: Domain) -> None:
    written(tmp_path / "a" / "fields.xdmf", domain)
    shutil.move(tmp_path / "a", tmp_path / "b")
    assert pyvista.get_reader(tmp_path / "b" / "fields.xdmf").read() is not None


def test_an_axisymmetric_series_lies_in_the_plane_of_radius_and_height(tmp_path: Path) -> None:
    domain = half_plane(10.0, 2.0)
    series = FieldSeries.create(tmp_path / "fields.xdmf", domain, {})
    series.append(0.0, {"temperature_degC": domain.points_mm[:, 1]}, {})
    grid = pyvista.get_reader(tmp_path / "fields.xdmf").read()
    grid = grid[0] if isinstance(grid, pyvista.MultiBlock) else grid
    assert grid.points[:, 2] == pytest.approx(domain.points_mm[:, 1])
    assert grid.n_cells == len(domain.cells)


def test_every_item_of_the_file_has_the_dimensions_it_claims(tmp_path: Path, domain: Domain) -> None:
    import h5py

    written(tmp_path / "fields.xdmf", domain)
    for item in ElementTree.parse(tmp_path / "fields.xdmf").iter("DataItem"):
        file, place = (item.text or "").split(":")
        with h5py.File(tmp_path / file) as data:
            assert item.attrib["Dimensions"].split() == [str(n) for n in data[place].shape]
            assert int(item.attrib["Precision"]) == data[place].dtype.itemsize


def test_paraview_thresholds_by_label_and_colours_by_temperature(tmp_path: Path, domain: Domain) -> None:
    command = os.environ.get("IMAGIO_PVBATCH") or shutil.which("pvbatch")
    if not command:
        pytest.skip("no pvbatch: set IMAGIO_PVBATCH to the command that starts it")
    written(tmp_path / "fields.xdmf", domain)
    script = Path(__file__).with_name("paraview_open.py")
    arguments = [*shlex.split(command), str(script), str(tmp_path / "fields.xdmf"), str(tmp_path / "p.png"), "2"]
    run = subprocess.run(arguments, capture_output=True, text=True, timeout=300, check=True)
    seen = json.loads(run.stdout.strip().splitlines()[-1])
    assert seen["times"] == [0.0, 10.0, 20.0]
    assert set(seen["point_fields"]) == {"temperature_degC", "flux"}
    assert seen["cells"] == len(domain.cells)
    assert seen["cells_of_label"] == int((labels(domain) == 2).sum())
    assert seen["bounds"] == pytest.approx([-10, 10] * 3, abs=1e-4)
    assert seen["temperature_degC"][1] == pytest.approx(temperature(domain, 20.0).max(), rel=0.3)
    assert (tmp_path / "p.png").stat().st_size > 5000
