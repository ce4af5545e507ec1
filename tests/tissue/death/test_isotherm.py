# SPDX-License-Identifier: LGPL-3.0-or-later
"""Isotherms."""

import numpy as np

from imagio_sim.tissue.death import death_model


def test_death_is_decided_by_the_hottest_moment() -> None:
    law = death_model("isotherm_54")
    state = law.initial(2)
    for start, end in ((37.0, 60.0), (60.0, 40.0)):
        state = law.advance(state, np.array([start, 37.0]), np.array([end, 53.9]), 1.0)
    np.testing.assert_array_equal(law.survival(state), [0.0, 1.0])
    np.testing.assert_allclose(law.level(state), [0.6, -0.01])
