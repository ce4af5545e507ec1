# SPDX-License-Identifier: LGPL-3.0-or-later
"""Temperature of the voxel around the focus of a 2 MHz bowl when boiling begins (HI03)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from imagio_sim.campaign.validation import ValidationCase, Verdict, judged
from validation.experiments.focused import Bowl, Floats, Focused, Sample, Sonicated

BOWL = Bowl(2e6, 44e-3, 1.0)
BOILING, SECONDS = 100.0, 7.0
VOXEL_MM = (0.3, 0.5, 2.0)
POINTS = 9
"""Along each side of the voxel."""


def voxel_points(along: int, beside: float) -> Floats:
    """Points (n, 3) [mm] of a voxel whose side number ``along`` follows the beam and whose middle lies beside it."""
    sides = np.array([*(side for number, side in enumerate(VOXEL_MM) if number != along), VOXEL_MM[along]])
    share = (np.arange(POINTS) + 0.5) / POINTS - 0.5 + beside
    return np.stack(np.meshgrid(*(side * share for side in sides), indexing="ij"), axis=-1).reshape(-1, 3)


def mean_in_voxel(found: Sonicated, along: int, beside: float) -> float:
    """Temperature [degC] that a voxel shows."""
    from scipy.interpolate import LinearNDInterpolator

    points = voxel_points(along, beside)
    places = np.column_stack([np.hypot(points[:, 0], points[:, 1]), points[:, 2]])
    stage = found.stage
    return float(LinearNDInterpolator(stage.space.points * 1e3, stage.temperature)(places).mean())


def boiling(one: Mapping[str, float]) -> Sonicated:
    """The gel when its focus boils, for one set of what is unknown."""
    values = {
        "acoustic_attenuation_500_khz": f"{0.5 * one['attenuation']} 1/m",
        "acoustic_attenuation_exponent": "1",
    }
    sample = Sample("water", 1e-3 * one["depth in gel"], one["temperature at the start"], values, excised=True)
    return Focused(BOWL, sample).sonicated_to(BOILING, SECONDS, watched=0.0)


def judge(case: ValidationCase) -> tuple[Verdict, ...]:
    """Mean over the voxel, over how it lies and what is unknown of the gel."""
    found = []
    for one in case.samples(12, seed=403):
        along = min(2, int(one["longest side of the voxel"]))
        found.append(mean_in_voxel(boiling(one), along, one["focus beside the middle of the voxel"]))
    name, limits = "mean over the voxel when the focus boils", (68.0, 78.0)
    return (judged(name, "degC", found, within=limits, reference=73.0, unknown=case.unknown_text),)
