# SPDX-License-Identifier: LGPL-3.0-or-later
"""A mesh cache, results and scenarios with their data, shared by the tests of the scenario files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from imagio_sim.meshing.cache import FOLDER_VARIABLE
from imagio_sim.plan import Scenario, load_scenario
from tests.scenarios.cases import Runs, require_data


@pytest.fixture(scope="session", autouse=True)
def mesh_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Meshes of these tests, apart from the user's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(FOLDER_VARIABLE, str(tmp_path_factory.mktemp("meshes")))
        yield


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    """Results shared by all tests of the session."""
    return Runs(tmp_path_factory.mktemp("runs"))


@pytest.fixture
def scenario_with_data() -> Callable[[Path], Scenario]:
    """Load a scenario whose data sets are here; the test skips where they are not."""

    def load(path: Path) -> Scenario:
        require_data(path)
        return load_scenario(path)

    return load
