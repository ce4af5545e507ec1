# SPDX-License-Identifier: LGPL-3.0-or-later
"""Cell death by the radiation of decaying sources: models made from ``radiation.yaml``.

They know doses that are given over days, the part of a node that is tumour, and nothing of temperature. Doses of
several sources are added up; the linear-quadratic law follows the repair of what they did together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log
from types import MappingProxyType
from typing import Any, Protocol

import numpy as np

from imagio_sim.physics.radiation import decayed_share, joint_repair_factor, linear_quadratic_effect, rate_of
from imagio_sim.tissue.death.library import DECIDING, NOMINAL, RADIATION, Parameters, death_records, parameters_of
from imagio_sim.tissue.death.model import Array, clipped_level

SURVIVES_NOTHING = 1e3
"""Effect (negative logarithm of survival) that stands for no survivors at all."""


@dataclass(frozen=True, eq=False)
class RadiationExposure:
    """A source that decays where it is.

    Attributes
    ----------
    dose
        When all of it has decayed (n,) [Gy].
    decay_rate
        Of its radionuclide [1/s].
    age
        Time [s] since it was given.
    """

    dose: Array
    decay_rate: float
    age: float

    @property
    def given(self) -> Array:
        """Dose so far (n,) [Gy]."""
        return np.asarray(self.dose * decayed_share(self.age, self.decay_rate))


class RadiationDeathModel(Protocol):
    """What the doses of sources kill."""

    @property
    def name(self) -> str:
        """Name under which results are reported."""

    def effect(self, exposures: Sequence[RadiationExposure], tumour: Array) -> Array:
        """Negative logarithm (n,) of the surviving share; ``tumour`` (n,) is the share that is tumour."""

    def level(self, exposures: Sequence[RadiationExposure], tumour: Array) -> Array:
        """Level function (n,), positive where dead."""


@dataclass(frozen=True)
class LinearQuadratic:
    """Linear-quadratic survival with repair during the decay; dead below a survival.

    Tumour and liver have their own parameters; a node of both takes the mean of the surviving shares.
    """

    name: str
    tumour_alpha: float
    tumour_alpha_beta: float
    tumour_repair_half_time: float
    liver_alpha: float
    liver_alpha_beta: float
    liver_repair_half_time: float
    dead_survival: float

    def effect(self, exposures: Sequence[RadiationExposure], tumour: Array) -> Array:
        """Of the sources together."""
        of_tumour = self._effect(
            exposures, self.tumour_alpha, self.tumour_alpha_beta, rate_of(self.tumour_repair_half_time)
        )
        of_liver = self._effect(
            exposures, self.liver_alpha, self.liver_alpha_beta, rate_of(self.liver_repair_half_time)
        )
        return _mean_effect(of_tumour, of_liver, tumour)

    @staticmethod
    def _effect(exposures: Sequence[RadiationExposure], alpha: float, alpha_beta: float, repair_rate: float) -> Array:
        repair = joint_repair_factor(
            [one.dose for one in exposures],
            decay_rates=[one.decay_rate for one in exposures],
            ages=[one.age for one in exposures],
            repair_rate=repair_rate,
        )
        return linear_quadratic_effect(_summed(exposures), alpha=alpha, alpha_beta=alpha_beta, repair=repair)

    def level(self, exposures: Sequence[RadiationExposure], tumour: Array) -> Array:
        """Effect by the lethal one, above 1."""
        return _relative(np.asarray(self.effect(exposures, tumour) / -log(self.dead_survival), dtype=np.float64))


@dataclass(frozen=True)
class Isodose:
    """Death where the dose so far reached a threshold [Gy], in tumour and liver alike."""

    name: str
    dose: float

    def effect(self, exposures: Sequence[RadiationExposure], tumour: Array) -> Array:
        """Nothing below the threshold, everything from there on."""
        return np.where(_summed(exposures) >= self.dose, SURVIVES_NOTHING, 0.0)

    def level(self, exposures: Sequence[RadiationExposure], tumour: Array) -> Array:
        """Dose by the threshold, above 1."""
        return _relative(np.asarray(_summed(exposures) / self.dose, dtype=np.float64))


def _summed(exposures: Sequence[RadiationExposure]) -> Array:
    return np.asarray(np.sum([one.given for one in exposures], axis=0))


def _relative(ratio: Array) -> Array:
    """A ratio >= 0 to what is lethal as a level.

    Not its logarithm: a dose falls to nothing within a few millimetres, and on a mesh as coarse as that a logarithm
    would draw the surface between nodes towards the higher dose.
    """
    return clipped_level(ratio - 1.0)


def _mean_effect(of_tumour: Array, of_liver: Array, tumour: Array) -> Array:
    """Effect whose survival is the mean of two, with the weights (n,) of the first, without underflow."""
    least = np.minimum(of_tumour, of_liver)
    mean = tumour * np.exp(least - of_tumour) + (1.0 - tumour) * np.exp(least - of_liver)
    return np.asarray(least - np.log(np.maximum(mean, np.exp(-SURVIVES_NOTHING / 2.0))))


_LAWS: Mapping[str, type[Any]] = MappingProxyType({"linear_quadratic": LinearQuadratic, "isodose": Isodose})


def radiation_death_models(given: Parameters = NOMINAL) -> tuple[RadiationDeathModel, ...]:
    """All models of the library, the deciding one first; ``given`` parameters in place of the nominal ones."""
    models: list[RadiationDeathModel] = [
        _LAWS[record.law](name=name, **parameters_of(name, given))
        for name, record in death_records().items()
        if record.agent == RADIATION
    ]
    return tuple(sorted(models, key=lambda model: model.name != DECIDING[RADIATION]))
