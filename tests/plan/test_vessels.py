# SPDX-License-Identifier: LGPL-3.0-or-later
"""Vessels by their centre lines in a scenario: what is read, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from imagio_sim.errors import InputError, InputErrors
from imagio_sim.plan import Scenario, changed, input_files
from imagio_sim.plan.vessels import DrawnVessel, VesselFile

Make = Callable[[dict[str, Any]], Scenario]
Refuse = Callable[[dict[str, Any]], tuple[InputError, ...]]

DRAWN: dict[str, Any] = {
    "name": "vein",
    "points": [[0, 0, 0], [0, 0, 10], [0, 0, 30]],
    "radius": "3 mm",
    "flow": "60 ml/min",
}
FILE: dict[str, Any] = {
    "name": "tree",
    "file": "tree.vtp",
    "frame": "LPS",
    "length_unit": "mm",
    "radius_array": "R",
    "velocity": "10 cm/s",
}


def test_quantities_come_in_the_units_of_the_library(scenario: Make) -> None:
    drawn, file = scenario({"patient.vessels": [DRAWN, FILE]}).patient.vessels
    assert isinstance(drawn, DrawnVessel)
    assert isinstance(file, VesselFile)
    assert drawn.flow == pytest.approx(1000.0)
    assert drawn.radii == (3.0, 3.0, 3.0)
    assert file.velocity == pytest.approx(100.0)


def test_a_radius_may_be_given_for_each_point(scenario: Make) -> None:
    (drawn,) = scenario({"patient.vessels": [DRAWN | {"radius": ["3 mm", "2 mm", "1 mm"]}]}).patient.vessels
    assert isinstance(drawn, DrawnVessel)
    assert drawn.radii == (3.0, 2.0, 1.0)


def test_vessels_are_written_as_they_are_read(scenario: Make) -> None:
    whole = scenario({"patient.vessels": [DRAWN | {"radius": ["3 mm", "2 mm", "1 mm"]}, FILE]})
    assert changed(whole, {"question": "the same?"}).patient.vessels == whole.patient.vessels


def test_a_file_of_vessels_is_an_input(scenario: Make, tmp_path: Path) -> None:
    for name in ("ct.nii.gz", "labels.nii.gz"):
        (tmp_path / name).write_text("")
    whole = scenario({"patient.vessels": [FILE]})
    with pytest.raises(InputErrors, match=r"patient\.vessels\[0\]\.file"):
        input_files(whole)
    (tmp_path / "tree.vtp").write_text("")
    assert input_files(whole)["patient.vessels[0].file"] == tmp_path / "tree.vtp"


@pytest.mark.parametrize(
    ("vessel", "where", "says"),
    [
        (DRAWN | {"radius": "0 mm"}, "patient.vessels[0]", "from 0.05 mm"),
        (DRAWN | {"radius": ["1 mm", "0 mm", "1 mm"]}, "patient.vessels[0]", "from 0.05 mm"),
        (DRAWN | {"radius": ["1 mm"]}, "patient.vessels[0].radius", "1 radii for 3 points"),
        (DRAWN | {"flow": "-60 ml/min"}, "patient.vessels[0].flow", "-60 ml/min"),
        (DRAWN | {"flow": "0 ml/min"}, "patient.vessels[0].flow", "0 ml/min"),
        (DRAWN | {"flow": None}, "patient.vessels[0]", "write its flow (60 ml/min) or its mean velocity (12 cm/s)"),
        (DRAWN | {"velocity": "3 cm/s"}, "patient.vessels[0].velocity", "flow and velocity"),
        (DRAWN | {"velocity": "3 cm"}, "patient.vessels[0].velocity", "no mean velocity"),
        (DRAWN | {"points": [[0, 0, 0]]}, "patient.vessels[0].points", "at least 2"),
        (DRAWN | {"points": [[0, 0, 0], [0, 0, 0], [1, 0, 0]]}, "patient.vessels[0].points[1]", "the point before it"),
        (DRAWN | {"inlet_temperature": "60 degC"}, "patient.vessels[0].inlet_temperature", "45 degC"),
        (DRAWN | {"raduis": "1 mm"}, "patient.vessels[0]", "did you mean 'radius'?"),
        (FILE | {"radius": "3 mm"}, "patient.vessels[0].radius", "radius and radius_array"),
        (FILE | {"radius_array": None}, "patient.vessels[0].radius", "a vessel without a radius"),
        (FILE | {"velocity": None}, "patient.vessels[0]", "write its flow"),
        (FILE | {"velocity": None, "flow_array": "Q"}, "patient.vessels[0].flow_unit", "both"),
        (FILE | {"frame": "RPI"}, "patient.vessels[0].frame", "one of RAS, LPS"),
        ({"name": "vein"}, "patient.vessels[0]", "points"),
    ],
)
def test_a_vessel_that_cannot_be_is_refused(refusals: Refuse, vessel: Any, where: str, says: str) -> None:
    given = {key: value for key, value in vessel.items() if value is not None}
    errors = refusals({"patient.vessels": [given]})
    assert any(where in error.where and says in str(error) for error in errors), [str(error) for error in errors]


def test_two_vessels_of_one_name_are_refused(refusals: Refuse) -> None:
    errors = refusals({"patient.vessels": [DRAWN, DRAWN]})
    assert any("two vessels named 'vein'" in str(error) for error in errors)
