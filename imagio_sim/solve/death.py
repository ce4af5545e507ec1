# SPDX-License-Identifier: LGPL-3.0-or-later
"""Death models on the nodes: each advances by its own exact or exponential rule, only where heat or cold can act."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from imagio_sim.solve.discretisation import Floats
from imagio_sim.tissue.death import DeathModel


class DeathTracker:
    """States of several death models on ``count`` nodes, and those that decide."""

    def __init__(self, models: Sequence[DeathModel], deciding: Sequence[str], count: int) -> None:
        self._models = {model.name: model for model in models}
        self._deciding = [self._models[name] for name in deciding if name in self._models]
        self._count = count
        self.states = {name: model.initial(count) for name, model in self._models.items()}

    def advance(self, start: Floats, end: Floats, duration: float) -> None:
        """Go on by ``duration`` [s] while the temperature (count,) goes linearly from ``start`` to ``end``."""
        awake = _Awake(start, end)
        for name, model in self._models.items():
            nodes = awake.nodes(model)
            if len(nodes):
                state = self.states[name]
                state[:, nodes] = model.advance(state[:, nodes], start[nodes], end[nodes], duration)

    def dead_fraction(self) -> Floats:
        """1 - survival (count,) by the deciding models, which act independently."""
        return self._dead(self.states)

    def expected_dead_fraction(self, start: Floats, end: Floats, duration: float) -> Floats:
        """What :meth:`dead_fraction` would be ``duration`` [s] on, the temperature going from ``start`` to ``end``."""
        awake, expected = _Awake(start, end), {}
        for model in self._deciding:
            nodes, state = awake.nodes(model), self.states[model.name].copy()
            if len(nodes):
                state[:, nodes] = model.advance(state[:, nodes], start[nodes], end[nodes], duration)
            expected[model.name] = state
        return self._dead(expected)

    def _dead(self, states: Mapping[str, Floats]) -> Floats:
        survival: Floats = np.ones(self._count)
        for model in self._deciding:
            survival = survival * model.survival(states[model.name])
        return np.asarray(1.0 - survival)

    def survivals(self) -> dict[str, Floats]:
        """Surviving share (count,) by each of the deciding models."""
        return {model.name: np.asarray(model.survival(self.states[model.name])) for model in self._deciding}

    def levels(self) -> dict[str, Floats]:
        """Level function (count,) of each model, positive where dead."""
        return {name: np.asarray(model.level(self.states[name])) for name, model in self._models.items()}

    def fields(self) -> dict[str, Floats]:
        """The states as named fields for a checkpoint."""
        return {f"death/{name}": state for name, state in self.states.items()}

    def restore(self, fields: Mapping[str, Floats]) -> None:
        """Take over states that :meth:`fields` gave."""
        self.states = {name: fields[f"death/{name}"].copy() for name in self._models}


class _Awake:
    """Which nodes a step from ``start`` to ``end`` (count,) [degC] takes out of the range in which a model rests."""

    def __init__(self, start: Floats, end: Floats) -> None:
        self._coldest, self._warmest = np.minimum(start, end), np.maximum(start, end)
        self._found: dict[tuple[float, float], NDArray[np.intp]] = {}

    def nodes(self, model: DeathModel) -> NDArray[np.intp]:
        """Numbers of the nodes that the model has to look at."""
        low, high = model.resting
        if model.resting not in self._found:
            self._found[model.resting] = np.flatnonzero((self._coldest < low) | (self._warmest > high))
        return self._found[model.resting]
