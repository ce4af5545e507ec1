# SPDX-License-Identifier: LGPL-3.0-or-later
"""Fixtures of the anatomy tests: a user of their own, and the real data sets where they are registered."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from imagio_sim.anatomy.datasets import known_datasets
from imagio_sim.anatomy.reference_patient import get_reference_patient
from imagio_sim.errors import InputError


@pytest.fixture
def own_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the test its own configuration and cache, without IMAGIO_DATA."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv("IMAGIO_DATA", raising=False)
    return tmp_path


@pytest.fixture
def data_set() -> Callable[[str], Path]:
    """Folder of a registered data set; the test skips where it is not on this machine."""

    def find(name: str) -> Path:
        found = known_datasets().get(name)
        if found is None or not found.path.is_dir():
            pytest.skip(f"data set {name!r} is not registered (imagio data add {name} PATH, or IMAGIO_DATA)")
        return found.path

    return find


@pytest.fixture(scope="session")
def reference_patient() -> dict[str, Path]:
    """Folders of the patient from PyPI, by name; fetched where it is not here, skipped offline except under CI."""
    try:
        return {folder.name: folder for folder in get_reference_patient(lambda step: None)}
    except InputError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(error))
