# SPDX-License-Identifier: LGPL-3.0-or-later
"""Microspheres that decay where they lie: dose and what it kills, closed functions of time that need no memory.

The dose when all has decayed comes from voxels (``delivery.dose``); a node has received the share of it that has
decayed since the infusion. It gives no heat: a hundred gray are 0.1 J/g over days.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from imagio_sim.physics.radiation import decayed_share
from imagio_sim.solve.discretisation import Floats
from imagio_sim.solve.sources.source import Deposit, HeatSource, Surroundings
from imagio_sim.tissue.death.radiation import RadiationDeathModel, RadiationExposure, radiation_death_models

NAME = "radiation"
# A plan that ends with less than this share of the dose given says so.
_NEARLY_ALL = 0.95


@dataclass(frozen=True, eq=False)
class DecayingActivity:
    """Microspheres of one infusion.

    Attributes
    ----------
    name
        Of the infusion.
    dose, local_dose
        At the nodes (n,) when all has decayed [Gy], by kernel and by local deposition.
    decay_rate
        Of their radionuclide [1/s].
    elapsed
        Time [s] from the infusion to the begin of the stage.
    """

    name: str
    dose: Floats
    local_dose: Floats
    decay_rate: float
    elapsed: float


@dataclass(frozen=True, eq=False)
class RadiationSpec:
    """All microspheres given up to a stage, and the share of each node (n,) that is tumour."""

    activities: tuple[DecayingActivity, ...]
    tumour_share: Floats

    def source(self, surroundings: Surroundings) -> RadiationSource:
        """The source on this rank's part of the mesh."""
        return RadiationSource(self, surroundings)


PARTS: tuple[type, ...] = (DecayingActivity, RadiationSpec)


class RadiationSource(HeatSource):
    """Decaying microspheres in a stage."""

    name = NAME

    def __init__(self, spec: RadiationSpec, surroundings: Surroundings) -> None:
        self.spec, self._space = spec, surroundings.space
        own = self._space.input_node
        self._dose = [one.dose[own] for one in spec.activities]
        self._local = [one.local_dose[own] for one in spec.activities]
        self._tumour = spec.tumour_share[own]
        self._models = radiation_death_models(surroundings.case.death_parameters)
        deciding = [model for model in self._models if model.name in surroundings.case.deciding_models]
        self._deciding = deciding[0] if deciding else self._models[0]
        self._no_heat = np.zeros(self._space.cell_count)
        self._effect_before = self._effect(self._deciding, 0.0)
        self.time = 0.0

    def deposit(self, time: float, duration: float, middle: Floats) -> Deposit:
        """None."""
        return Deposit(self._no_heat)

    def accept(self, duration: float, start: Floats, end: Floats, taken: float) -> None:
        """Time goes on."""
        self.time += duration

    def exposures(self, time: float) -> tuple[RadiationExposure, ...]:
        """What the activities have done until a time [s] of the stage."""
        return tuple(
            RadiationExposure(dose, one.decay_rate, one.elapsed + time)
            for one, dose in zip(self.spec.activities, self._dose, strict=True)
        )

    def _effect(self, model: RadiationDeathModel, time: float) -> Floats:
        return model.effect(self.exposures(time), self._tumour)

    def levels(self) -> dict[str, Floats]:
        """Of every model of death by radiation."""
        return {model.name: model.level(self.exposures(self.time), self._tumour) for model in self._models}

    def survivals(self) -> dict[str, Floats]:
        """By the deciding model, since the stage began."""
        return {self._deciding.name: np.exp(self._effect_before - self._effect(self._deciding, self.time))}

    def row(self) -> dict[str, float]:
        """Share of each activity that has decayed."""
        return {f"{one.name}.decayed_share": self._decayed(one) for one in self.spec.activities}

    def _decayed(self, one: DecayingActivity) -> float:
        return float(decayed_share(one.elapsed + self.time, one.decay_rate))

    def fields(self) -> dict[str, Floats]:
        """Dose so far by both methods, dose when all has decayed, and what has survived since the first infusion."""
        given = [self._decayed(one) for one in self.spec.activities]
        return {
            "dose_kernel_Gy": _summed(self._dose, given),
            "dose_local_Gy": _summed(self._local, given),
            "dose_when_decayed_Gy": _summed(self._dose, [1.0] * len(given)),
            "radiation_survival": np.exp(-self._effect(self._deciding, self.time)),
        }

    def state(self) -> dict[str, Any]:
        """The time of the stage."""
        return {"time": self.time}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from what :meth:`state` gave."""
        self.time = float(state["time"])

    def facts(self) -> dict[str, Any]:
        """What has decayed, the largest nodal dose, and the model that decides."""
        return {
            "activities": [
                {
                    "name": one.name,
                    "decayed_share": self._decayed(one),
                    "largest_dose_Gy": self._space.maximum(dose[: self._space.owned]),
                }
                for one, dose in zip(self.spec.activities, self._dose, strict=True)
            ],
            "deciding_model": self._deciding.name,
        }

    def warnings(self) -> list[str]:
        """Dose that is still to come when the plan ends."""
        return [
            f"{one.name}: {100.0 * self._decayed(one):.0f} % of its dose is given when the stage ends, and the zone is "
            "what that much kills; doses in the result are those when all has decayed"
            for one in self.spec.activities
            if self._decayed(one) < _NEARLY_ALL
        ]


def _summed(doses: list[Floats], shares: list[float]) -> Floats:
    return np.asarray(np.sum([share * dose for share, dose in zip(shares, doses, strict=True)], axis=0))
