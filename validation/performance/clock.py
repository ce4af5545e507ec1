# SPDX-License-Identifier: LGPL-3.0-or-later
"""Wall time by phase."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from imagio_sim.solve.sources.radiofrequency import RadiofrequencySource
from imagio_sim.solve.stage import Stage


class Clock:
    """Adds up wall time [s] by phase; a phase inside another one counts only for itself."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._inner = [0.0]

    @contextmanager
    def of(self, phase: str) -> Iterator[None]:
        """Time what is done within for a phase."""
        begun = time.perf_counter()
        self._inner.append(0.0)
        try:
            yield
        finally:
            spent = time.perf_counter() - begun
            self.seconds[phase] = self.seconds.get(phase, 0.0) + spent - self._inner.pop()
            self._inner[-1] += spent

    def watched(self, function: Callable[..., Any], phase: str) -> Callable[..., Any]:
        """The function, timed for a phase."""

        def timed(*arguments: Any, **named: Any) -> Any:
            with self.of(phase):
                return function(*arguments, **named)

        return timed


def watch(stage: Stage, clock: Clock) -> None:
    """Time the phases of the product's steps."""
    (electrodes,) = stage.sources
    assert isinstance(electrodes, RadiofrequencySource)
    for owner, name, phase in (
        (electrodes.electric.solver, "solve", "electric solve"),
        (electrodes.electric, "solve", "electric assembly"),
        (electrodes.electric, "heat", "electric assembly"),
        (stage.heat.solver, "solve", "heat solve"),
        (stage.heat, "step", "heat assembly"),
        (stage.death, "advance", "death"),
        (stage.death, "expected_dead_fraction", "death"),
        (stage, "advance", "other"),
    ):
        setattr(owner, name, clock.watched(getattr(owner, name), phase))
