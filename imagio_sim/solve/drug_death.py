# SPDX-License-Identifier: LGPL-3.0-or-later
"""Models of death by a drug on the nodes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from imagio_sim.solve.discretisation import Floats
from imagio_sim.tissue.death import NOMINAL, Parameters
from imagio_sim.tissue.death.drug import DrugDeathModel, deciding_of, drug_death_models

STATE = "effect/"
"""What the states of models are called as fields."""


@dataclass(frozen=True, eq=False)
class CellSurroundings:
    """What cells (count,) know of a drug: free in the fluid around them [mol/m3], and held by one of them [mol]."""

    free: Floats
    content: Floats

    def of(self, model: DrugDeathModel) -> Floats:
        """What a model looks at."""
        return self.free if model.quantity == "free" else self.content


class DrugDeathTracker:
    """What a drug has done by every model, since it was given and since the stage began.

    Parameters
    ----------
    drug
        Its name.
    deciding
        Names of death models that decide; one of this drug's is among them, or else its first decides.
    count
        Of the nodes.
    given
        Parameters of the models in place of the nominal ones.

    Attributes
    ----------
    deciding
        The model that decides.
    begun
        Its state (count,) when the stage began.
    """

    def __init__(self, drug: str, deciding: Sequence[str], count: int, given: Parameters = NOMINAL) -> None:
        self._models = drug_death_models(drug, given)
        self.deciding = deciding_of(self._models, deciding)
        self._states: dict[str, Floats] = {model.name: np.zeros(count) for model in self._models}
        self.begun: Floats = self._states[self.deciding.name]

    def advance(self, start: CellSurroundings, end: CellSurroundings, duration: float) -> None:
        """Go on by ``duration`` [s]."""
        for model in self._models:
            state = self._states[model.name]
            self._states[model.name] = model.advance(state, start.of(model), end.of(model), duration)

    def levels(self) -> dict[str, Floats]:
        """Level function (count,) of each model, positive where dead."""
        return {model.name: model.level(self._states[model.name]) for model in self._models}

    def survival(self) -> Floats:
        """Surviving share (count,) by the deciding model, of all that the drug has done."""
        return self.deciding.survival(self._states[self.deciding.name])

    def survivals(self) -> dict[str, Floats]:
        """The same since the stage began, by its name."""
        before, now = self.deciding.survival(self.begun), self.survival()
        return {self.deciding.name: np.where(before > 0.0, now / np.where(before > 0.0, before, 1.0), 0.0)}

    def fields(self) -> dict[str, Floats]:
        """The states (count,) >= 0 as named fields, for a checkpoint or the next stage."""
        return {f"{STATE}{name}": state for name, state in self._states.items()}

    def restore(self, fields: Mapping[str, Floats]) -> None:
        """Go on within the stage from states that :meth:`fields` gave."""
        self._states = {name: np.maximum(fields[f"{STATE}{name}"], 0.0) for name in self._states}

    def begin_with(self, fields: Mapping[str, Floats]) -> None:
        """Begin the stage with states that an earlier one left."""
        self.restore(fields)
        self.begun = self._states[self.deciding.name]
