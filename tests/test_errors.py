# SPDX-License-Identifier: LGPL-3.0-or-later
"""Errors come from one process to another as they are."""

from __future__ import annotations

import pickle

import pytest

from imagio_sim.errors import ImagioError, InputError, InputErrors, Interrupted, SolverFailure, StorageFailure
from imagio_sim.meshing.generate import MeshingFailure

FAULT = InputError("case.yaml: power", found="-60 W", allowed="1 W to 200 W", remedy="write 60 W")


@pytest.mark.parametrize(
    "error",
    [
        FAULT,
        InputErrors([FAULT, FAULT]),
        SolverFailure("dried out", last_good_time=3.0, suggestions=("less power", "a finer mesh")),
        StorageFailure("runs/A", "no space left on device"),
        Interrupted("stopped"),
        MeshingFailure("overlapping facets"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_error_is_the_same_after_a_way_between_processes(error: ImagioError) -> None:
    there = pickle.loads(pickle.dumps(error))

    assert type(there) is type(error)
    assert (str(there), there.exit_code) == (str(error), error.exit_code)
    assert str(vars(there)) == str(vars(error))
