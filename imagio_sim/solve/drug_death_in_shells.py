# SPDX-License-Identifier: LGPL-3.0-or-later
"""Death by a drug in the shells of tissue around beads: near a bead all may be dead and between beads none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from imagio_sim.solve.discretisation import Floats
from imagio_sim.solve.drug_death import STATE, CellSurroundings
from imagio_sim.tissue.death import NOMINAL, Parameters
from imagio_sim.tissue.death.drug import DrugDeathModel, deciding_of, drug_death_models
from imagio_sim.tissue.death.model import clipped_level


class DrugDeathInShells:
    """What a drug has done by every model, since it was given and since the stage began.

    Parameters
    ----------
    drug
        Its name.
    deciding
        Names of death models that decide; one of this drug's is among them, or else its first decides.
    share
        Of the tissue of each node, by shell (s, count).
    given
        Parameters of the models in place of the nominal ones.

    Attributes
    ----------
    deciding
        The model that decides.
    begun
        Surviving share (count,) by it when the stage began.
    """

    def __init__(self, drug: str, deciding: Sequence[str], share: Floats, given: Parameters = NOMINAL) -> None:
        self._models, self._share = drug_death_models(drug, given), share
        self.deciding = deciding_of(self._models, deciding)
        self._states = {model.name: np.zeros_like(share) for model in self._models}
        self.begun: Floats = np.ones(share.shape[1])

    def advance(self, during: CellSurroundings, duration: float) -> None:
        """Go on by ``duration`` [s] at what cells (s, count) knew on average."""
        for model in self._models:
            amount = during.of(model)
            self._states[model.name] = model.advance(self._states[model.name], amount, amount, duration)

    @property
    def surviving(self) -> Floats:
        """Surviving share of each shell (s, count) by the deciding model, of all that the drug has done."""
        return self.deciding.survival(self._states[self.deciding.name])

    def survival(self, model: DrugDeathModel) -> Floats:
        """Surviving share (count,) of all cells around beads, of all that the drug has done."""
        return np.asarray((self._share * model.survival(self._states[model.name])).sum(axis=0))

    def levels(self) -> dict[str, Floats]:
        """Logarithm of the mean effect over the lethal one (count,) by model, positive where dead."""
        return {model.name: _level(self.survival(model), model.dead_survival) for model in self._models}

    def survivals(self) -> dict[str, Floats]:
        """Surviving share (count,) since the stage began, by the deciding model's name."""
        now, before = self.survival(self.deciding), self.begun
        return {self.deciding.name: np.where(before > 0.0, np.minimum(now / np.maximum(before, 1e-300), 1.0), 0.0)}

    def fields(self) -> dict[str, Floats]:
        """The states >= 0 of every shell as named fields (count,), for a checkpoint or the next stage."""
        return {f"{STATE}{name}/{shell}": row for name, rows in self._states.items() for shell, row in enumerate(rows)}

    def restore(self, fields: Mapping[str, Floats]) -> None:
        """Go on within the stage from states that :meth:`fields` gave."""
        for name in self._states:
            own = [fields[key] for key in fields if key.startswith(f"{STATE}{name}/")]
            rows = np.array(own) if len(own) == len(self._share) else np.mean(own, axis=0) * np.ones_like(self._share)
            self._states[name] = np.maximum(rows, 0.0)

    def begin_with(self, fields: Mapping[str, Floats]) -> None:
        """Begin the stage with states that an earlier one left."""
        self.restore(fields)
        self.begun = self.survival(self.deciding)


def _level(survival: Floats, dead_survival: float) -> Floats:
    with np.errstate(divide="ignore"):
        effect = -np.log(np.minimum(survival, 1.0))
        return clipped_level(np.log(effect) - np.log(-np.log(dead_survival)))
