# SPDX-License-Identifier: LGPL-3.0-or-later
"""How the capillaries of tissue that a drug kills close: they die with the tissue, later than the exposure that kills.

A drug's models of death say at once which share of the tissue an exposure will kill; blood flows on until that has come
about. The closed share D follows the dead share 1 - S with a delay,

    dD/dt = (1 - S - D) / delay,

and what blood washes out, or brings, and what leaves with the fluid for lymph or blood, is the share 1 - D of what it
was.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from imagio_sim.tissue.constants import load_constants
from imagio_sim.tissue.death.drug import DrugExposure, drug_death_models

Floats = NDArray[np.float64]

DELAY = "drug_necrosis_delay"
"""Name of the constant of the tissue library [s]."""
CLOSED = "closed"
"""What the fields of closed shares are called, before the shell's number."""


@dataclass(frozen=True)
class ClosingVessels:
    """Capillaries that close in tissue that a drug kills.

    Attributes
    ----------
    death
        Model that says what is dead.
    delay
        Time [s] in which the dead share loses its blood.
    """

    death: DrugExposure
    delay: float

    @classmethod
    def of_library(cls, drug: str) -> ClosingVessels:
        """By the model that decides for a drug, with the library's delay."""
        death = drug_death_models(drug)[0]
        if not isinstance(death, DrugExposure):
            raise TypeError(f"{death.name} looks at what cells hold, which one bead alone does not say")
        return cls(death, load_constants()[DELAY].value)


class VesselsInShells:
    """Capillaries of the shells of tissue around beads, at the nodes of a mesh.

    Parameters
    ----------
    delay
        See :class:`ClosingVessels` [s].
    shape
        Shells and nodes (s, count).
    """

    def __init__(self, delay: float, shape: tuple[int, ...]) -> None:
        self._delay, self._closed = delay, np.zeros(shape)

    @property
    def open_share(self) -> Floats:
        """Share (s, count) through which blood flows, and of the lymphatic vessels that drain."""
        return np.asarray(1.0 - self._closed)

    def open_during(self, survival: Floats, duration: float) -> Floats:
        """That share in the mean over the next ``duration`` [s], with a surviving share (s, count) that is held."""
        dead, steps = 1.0 - survival, duration / self._delay
        return np.asarray(1.0 - dead - (self._closed - dead) * -math.expm1(-steps) / steps)

    def advance(self, survival: Floats, duration: float) -> None:
        """Go on by ``duration`` [s] with a surviving share (s, count) of the tissue that is held."""
        dead = 1.0 - survival
        self._closed = dead + (self._closed - dead) * math.exp(-duration / self._delay)

    def fields(self) -> dict[str, Floats]:
        """Closed shares (count,) by shell, for a checkpoint or the next stage."""
        return {f"{CLOSED}/{shell}": row for shell, row in enumerate(self._closed)}

    def take(self, closed: Floats) -> None:
        """Go on from closed shares (s, count)."""
        self._closed = np.clip(closed, 0.0, 1.0)
