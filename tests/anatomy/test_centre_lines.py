# SPDX-License-Identifier: LGPL-3.0-or-later
"""Centre lines from files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import pyvista as pv

from imagio_sim.anatomy.centre_lines import read_centre_lines
from imagio_sim.errors import InputError

TABLE = """line,x,y,z,radius,flow
trunk,0,0,0,3,1000
trunk,0,0,10,2.5,1000
left,0,0,10,2,400
left,5,0,20,1,400
"""


def written(folder: Path, text: str, name: str = "tree.csv") -> Path:
    (folder / name).write_text(text)
    return folder / name


def poly_lines(folder: Path) -> Path:
    mesh = pv.PolyData(np.array([[0.0, 0, 0], [0, 0, 10], [5, 0, 20]]), lines=[2, 0, 1, 2, 1, 2])
    mesh.point_data["radius"] = [3.0, 2.0, 1.0]
    mesh.save(folder / "tree.vtp")
    return folder / "tree.vtp"


def test_a_table_is_read_line_by_line(tmp_path: Path) -> None:
    trunk, left = read_centre_lines(written(tmp_path, TABLE), ["radius", "flow"], where="vessels")
    assert (trunk.name, left.name) == ("trunk", "left")
    assert left.points.tolist() == [[0, 0, 10], [5, 0, 20]]
    assert trunk.arrays["radius"].tolist() == [3.0, 2.5]
    assert left.arrays["flow"].tolist() == [400.0, 400.0]


def test_a_table_without_lines_is_one(tmp_path: Path) -> None:
    (only,) = read_centre_lines(written(tmp_path, "x,y,z\n0,0,0\n1,0,0\n2,0,0\n"), [], where="vessels")
    assert len(only.points) == 3


def test_poly_lines_keep_their_arrays(tmp_path: Path) -> None:
    first, second = read_centre_lines(poly_lines(tmp_path), ["radius"], where="vessels")
    assert (first.name, second.name) == ("1", "2")
    assert first.points[-1].tolist() == second.points[0].tolist()
    assert second.arrays["radius"].tolist() == [2.0, 1.0]


@pytest.mark.parametrize(
    ("text", "name", "says"),
    [
        ("x,y,z\n0,0,0\n", "tree.csv", "no 'radius' among x, y, z"),
        ("x,y,radius\n0,0,1\n", "tree.csv", "no 'z'"),
        ("x,y,z,radius\n0,0,zero,1\n", "tree.csv", "row 2, column z"),
        ("x,y,z,radius\n0,0,0,nan\n", "tree.csv", "row 2, column radius"),
        ("", "tree.xlsx", "'.xlsx'"),
        ("no xml", "tree.vtp", "VTK cannot read"),
    ],
)
def test_a_file_that_is_none_is_refused(tmp_path: Path, text: str, name: str, says: str) -> None:
    with pytest.raises(InputError) as refused:
        read_centre_lines(written(tmp_path, text, name), ["radius"], where="s.yaml: patient.vessels[0].file")
    assert says in str(refused.value)
    assert "s.yaml: patient.vessels[0].file" in str(refused.value)


def test_a_surface_is_no_centre_line(tmp_path: Path) -> None:
    pv.Sphere().save(tmp_path / "ball.vtp")
    with pytest.raises(InputError, match="a file without lines"):
        read_centre_lines(tmp_path / "ball.vtp", [], where="vessels")


def test_a_missing_array_is_named_with_those_that_are_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no 'R' among radius"):
        read_centre_lines(poly_lines(tmp_path), ["R"], where="vessels")
