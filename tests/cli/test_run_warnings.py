# SPDX-License-Identifier: LGPL-3.0-or-later
"""What ``imagio run`` warns of, on the terminal and in the result: one case with everything a planner should notice."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
import yaml

from imagio_sim.meshing.cache import FOLDER_VARIABLE
from tests.cli.conftest import PLAN, Ended, call
from tests.plan.conftest import put

CHANGES = {
    "frame": "LPS",
    "target": {"sphere": {"centre": [-75.0, 8.0, 0.0], "diameter": "2 cm", "tissue": "tumour_liver"}},
    f"plans.{PLAN}.applicators": [
        # through the stomach and the portal vein
        {"name": "left", "device": "cooled_17g_3cm", "entry": [110.0, 2.0, 30.0], "tip": [-60.0, 2.0, -32.0]},
        # through the lung and the fat beside the liver, which has no label, into a rib
        {"name": "top", "device": "cooled_17g_3cm", "entry": [-70.0, 0.0, 110.0], "tip": [-90.0, 18.0, 30.0]},
    ],
    f"plans.{PLAN}.program": {"mode": "constant_power", "power": "20 W", "duration": "2 min"},
    "region": {"margin": "5 mm"},
}


@pytest.fixture(scope="module")
def careless(phantom_case: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> tuple[Ended, dict[str, Any]]:
    """The run of a careless plan with a damaged mesh cache, and its result."""
    folder = tmp_path_factory.mktemp("careless")
    data = copy.deepcopy(phantom_case)
    for path, value in CHANGES.items():
        put(data, path, value)
    (folder / "careless.yaml").write_text(yaml.safe_dump(data, sort_keys=False))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(FOLDER_VARIABLE, str(folder / "cache"))
        assert call("mesh", "careless.yaml", folder=folder).code == 0
        for mesh in (folder / "cache" / "meshes").glob("*.npz"):
            mesh.write_bytes(mesh.read_bytes()[: mesh.stat().st_size // 2])
        ended = call("run", "careless.yaml", "--out", "results", folder=folder)
    assert ended.code == 0, ended.err
    return ended, json.loads((folder / "results" / PLAN / "result.json").read_text())


@pytest.mark.parametrize(
    "says",
    [
        "left: the path runs ",
        " mm through bowel (stomach)",
        " mm through vessel (portal_vein)",
        "top: the path runs ",
        " mm through lung (lung_right)",
        " mm through bone (rib_right_",
        " was damaged (",
        " of the ablation zone ",
        "tissue beside the region's boundary reaches ",
    ],
)
def test_it_is_warned_of_on_the_terminal_and_in_the_result(says: str, careless: tuple[Ended, dict[str, Any]]) -> None:
    ended, result = careless
    found = [warning for warning in result["warnings"] if says in warning]
    assert found, result["warnings"]
    for warning in found:
        assert f"warning {PLAN}: {warning}" in ended.out
