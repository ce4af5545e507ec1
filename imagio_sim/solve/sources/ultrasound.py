# SPDX-License-Identifier: LGPL-3.0-or-later
"""Focused ultrasound: heat of known fields, switched from point to point.

The fields are computed before the stage (see ``campaign.modalities.ultrasound``): attenuation and sound speed do not
follow the temperature.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from typing import Any

import numpy as np

from imagio_sim.solve.discretisation import Floats
from imagio_sim.solve.sources.source import OFF, SAME_TIME, Deposit, HeatSource, Setting, Surroundings

SKIN = "skin"


@dataclass(frozen=True)
class SonicationPulse:
    """Sound of ``power`` [W] from ``begin`` to ``end`` [s] of the stage, in the field number ``focus``."""

    begin: float
    end: float
    power: float
    focus: int

    def is_on(self, time: float) -> bool:
        """Whether a step beginning at ``time`` is under power."""
        return self.begin - SAME_TIME <= time < self.end - SAME_TIME


@dataclass(frozen=True, eq=False)
class UltrasoundSpec:
    """One transducer.

    Attributes
    ----------
    applicator
        Its name in the plan.
    heat_per_power
        Of each field and cell (f, m): heat [W/m3] per acoustic power [W].
    pulses
        In order of time.
    watched
        Cells (m,), by a name, of which the peak temperature is reported, as that of the skin is.
    facts, notes
        What is known of the fields beforehand: for the result, and as warnings.
    """

    applicator: str
    heat_per_power: Floats
    pulses: tuple[SonicationPulse, ...]
    watched: Mapping[str, Any]
    facts: Mapping[str, Any]
    notes: tuple[str, ...]

    def source(self, surroundings: Surroundings) -> UltrasoundSource:
        """The source on this rank's part of the mesh."""
        return UltrasoundSource(self, surroundings)


PARTS: tuple[type, ...] = (SonicationPulse, UltrasoundSpec)


class UltrasoundSource(HeatSource):
    """A transducer at work."""

    def __init__(self, spec: UltrasoundSpec, surroundings: Surroundings) -> None:
        self.spec, self._space = spec, surroundings.space
        self.name = f"ultrasound.{spec.applicator}"
        own = surroundings.space.input_cell
        self._heat_per_power = spec.heat_per_power[:, own]
        self._watched = {
            name: np.unique(self._space.cells[np.asarray(cells)[own]].ravel()) for name, cells in spec.watched.items()
        }
        skin = surroundings.case.domain.surfaces.get(SKIN)
        if skin is not None and len(skin):
            self._watched[SKIN] = self._space.nodes_of(skin)
        self._peaks = dict.fromkeys(self._watched, -inf)
        self._power, self._radiated, self._taken = 0.0, 0.0, 0.0

    def _pulse(self, time: float) -> SonicationPulse | None:
        return next((pulse for pulse in self.spec.pulses if pulse.is_on(time)), None)

    def settings(self, time: float) -> tuple[Setting, ...]:
        """Where it is focused and how strongly."""
        pulse = self._pulse(time)
        return (OFF if pulse is None else (f"focus_{pulse.focus}", pulse.power),)

    def next_event(self, time: float) -> float:
        """When it is switched next."""
        events = (event for pulse in self.spec.pulses for event in (pulse.begin, pulse.end))
        return min((event for event in events if event > time + SAME_TIME), default=inf)

    def deposit(self, time: float, duration: float, middle: Floats) -> Deposit:
        """Heat of the field it is focused to."""
        pulse = self._pulse(time)
        self._power = 0.0 if pulse is None else pulse.power
        if pulse is None:
            return Deposit(np.zeros(self._space.cell_count))
        return Deposit(np.asarray(pulse.power * self._heat_per_power[pulse.focus]))

    def accept(self, duration: float, start: Floats, end: Floats, taken: float) -> None:
        """Keep the books and the peak temperatures."""
        self._radiated += self._power * duration
        self._taken += taken * duration
        for name, nodes in self._watched.items():
            self._peaks[name] = max(self._peaks[name], self._space.maximum(end[nodes]))

    def row(self) -> dict[str, float]:
        """Acoustic power in the last step."""
        return {f"{self.spec.applicator}.power_W": self._power}

    def state(self) -> dict[str, Any]:
        """Books and peak temperatures."""
        peaks = {name: peak for name, peak in self._peaks.items() if peak > -inf}
        return {"power": self._power, "radiated": self._radiated, "taken": self._taken, "peaks": peaks}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from what :meth:`state` gave."""
        self._power, self._radiated, self._taken = state["power"], state["radiated"], state["taken"]
        self._peaks |= state["peaks"]

    def facts(self) -> dict[str, Any]:
        """Energies, peak temperatures and what is known of the fields."""
        peaks = {f"{name}_peak_temperature_degC": peak for name, peak in self._peaks.items() if peak > -inf}
        return {"radiated_J": self._radiated, "absorbed_J": self._taken, **peaks, **self.spec.facts}

    def warnings(self) -> list[str]:
        """What is known of the fields."""
        return list(self.spec.notes)
