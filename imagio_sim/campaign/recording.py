# SPDX-License-Identifier: LGPL-3.0-or-later
"""What a solution leaves behind: fields over time for ParaView, and its final state."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from imagio_sim.errors import InputError
from imagio_sim.export.xdmf import FieldSeries
from imagio_sim.solve.stage import Stage


class Recorder:
    """Appends fields to a series at about ``count`` evenly spaced times of a stage and at its end."""

    def __init__(self, stage: Stage, series: Path, *, time_offset: float, count: int) -> None:
        self._interval, self._offset = stage.case.end_time / count, time_offset
        self._series = self._opened(stage, series) if stage.space.comm.rank == 0 else None
        self._next = 0.0 if stage.time == 0.0 else self._following(stage.time)

    def _opened(self, stage: Stage, path: Path) -> FieldSeries:
        if stage.time > 0.0:
            try:
                return FieldSeries.resume(path, stage.time + self._offset)
            except InputError:
                pass  # the series was deleted: it starts again where the solution goes on
        return FieldSeries.create(path, stage.case.domain, _labels(stage))

    def _following(self, time: float) -> float:
        return (math.floor(time / self._interval + 1e-9) + 1.0) * self._interval

    def after_step(self, stage: Stage) -> None:
        """Append the fields when one of the times has been reached (collective)."""
        if stage.time < self._next - 1e-9 and not stage.finished:
            return
        self._next = self._following(stage.time)
        nodal = {name: stage.space.gathered(values) for name, values in stage.output_fields().items()}
        cells = {name: stage.space.gathered_cells(values) for name, values in stage.output_cell_fields().items()}
        if self._series is None:
            return
        time = stage.time + self._offset
        if not self._series.times_s or time > self._series.times_s[-1]:
            self._series.append(
                time,
                {name: values for name, values in nodal.items() if values is not None},
                {name: values for name, values in cells.items() if values is not None},
            )

    def write_final(self, stage: Stage, fields: Path, facts: Path) -> None:
        """Write everything the evaluation needs (collective)."""
        final = {**stage.output_fields(), **{f"level/{name}": v for name, v in stage.levels().items()}}
        final |= {f"state/{name}": values for name, values in stage.carried_state().items()}
        whole = {name: stage.space.gathered(values) for name, values in final.items()}
        summary = stage.summary()
        if stage.space.comm.rank != 0:
            return
        with fields.open("wb") as file:
            np.savez(file, allow_pickle=False, **{name: v for name, v in whole.items() if v is not None})
        facts.write_text(json.dumps(summary), encoding="utf-8")


def _labels(stage: Stage) -> dict[str, NDArray[np.generic]]:
    static: dict[str, NDArray[np.generic]] = dict(stage.case.static_cell_fields)
    static["perfusion_rate"] = stage.case.cell_fields["perfusion_rate"]
    return static
