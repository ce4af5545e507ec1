# SPDX-License-Identifier: LGPL-3.0-or-later
"""Death models on the nodes: each advances by its own exact or exponential rule, only where heat can act."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from imagio_sim.solve.discretisation import Floats
from imagio_sim.tissue.death import DeathModel

# Every rate is gated off below this temperature [degC] (physics of the gate: tissue.death), so colder nodes rest.
RESTING_BELOW = 41.5


class DeathTracker:
    """States of several death models on ``count`` nodes, and those that decide."""

    def __init__(self, models: Sequence[DeathModel], deciding: Sequence[str], count: int) -> None:
        self._models = {model.name: model for model in models}
        self._deciding = [self._models[name] for name in deciding if name in self._models]
        self._count = count
        self.states = {name: model.initial(count) for name, model in self._models.items()}

    def advance(self, start: Floats, end: Floats, duration: float) -> None:
        """Go on by ``duration`` [s] while the temperature (count,) goes linearly from ``start`` to ``end``."""
        warm = np.flatnonzero(np.maximum(start, end) > RESTING_BELOW)
        if not len(warm):
            return
        for name, model in self._models.items():
            state = self.states[name]
            state[:, warm] = model.advance(state[:, warm], start[warm], end[warm], duration)

    def dead_fraction(self) -> Floats:
        """1 - survival (count,) by the deciding models, which act independently."""
        return self._dead(self.states)

    def expected_dead_fraction(self, start: Floats, end: Floats, duration: float) -> Floats:
        """What :meth:`dead_fraction` would be ``duration`` [s] on, the temperature going from ``start`` to ``end``."""
        warm = np.flatnonzero(np.maximum(start, end) > RESTING_BELOW)
        expected = {}
        for model in self._deciding:
            state = self.states[model.name].copy()
            if len(warm):
                state[:, warm] = model.advance(state[:, warm], start[warm], end[warm], duration)
            expected[model.name] = state
        return self._dead(expected)

    def _dead(self, states: Mapping[str, Floats]) -> Floats:
        survival: Floats = np.ones(self._count)
        for model in self._deciding:
            survival = survival * model.survival(states[model.name])
        return np.asarray(1.0 - survival)

    def levels(self) -> dict[str, Floats]:
        """Level function (count,) of each model, positive where dead."""
        return {name: np.asarray(model.level(self.states[name])) for name, model in self._models.items()}

    def fields(self) -> dict[str, Floats]:
        """The states as named fields for a checkpoint."""
        return {f"death/{name}": state for name, state in self.states.items()}

    def restore(self, fields: Mapping[str, Floats]) -> None:
        """Take over states that :meth:`fields` gave."""
        self.states = {name: fields[f"death/{name}"].copy() for name in self._models}
