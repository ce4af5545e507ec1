# SPDX-License-Identifier: LGPL-3.0-or-later
"""Ice in agar with lard: the more fat, the smaller the ball (CR09)."""

from __future__ import annotations

import numpy as np

from imagio_sim.campaign.validation import ValidationCase, Verdict, judged
from imagio_sim.tissue.library import load_tissue
from validation.experiments.bench import Bench, burned

SHARES = (0.0, 0.25, 0.5, 0.75)
"""Lard by volume; pure lard holds no water that could freeze."""
SECONDS = (180.0, 360.0, 540.0)
PROGRAM = {"mode": "freeze_thaw", "phases": [{"action": "freeze", "duration": "9 min"}]}
MIXED = ("density", "specific_heat_capacity", "thermal_conductivity", "water_content")
UNITS = {
    "density": "kg/m^3",
    "specific_heat_capacity": "J/(kg K)",
    "thermal_conductivity": "W/(m K)",
    "water_content": "1",
}


def mixture(lard: float) -> dict[str, str]:
    """Agar (as water) with a share of lard (as fat): volume means."""
    water, fat = load_tissue("water"), load_tissue("fat")
    return {name: f"{(1.0 - lard) * water.value(name) + lard * fat.value(name)} {UNITS[name]}" for name in MIXED}


def widths(lard: float, start: float) -> list[float]:
    """Of the ice of -20 degC [mm] at 3, 6 and 9 min, from a temperature [degC]."""
    constants = {
        "freezable_water_fraction": "1",
        "freezing_start": "0 degC",
        "freezing_width": "1 K",
    }
    bench = Bench("icerod_17g", PROGRAM, "water", start, values=mixture(lard), constants=constants)
    found = burned(bench, SECONDS)
    return [found.early[time]["nadir_20"].across_mm for time in SECONDS]


def judge(case: ValidationCase) -> tuple[Verdict, ...]:
    """Correlation of the width with the share of lard at each time, over the temperature at the start."""
    correlations: list[list[float]] = [[], [], []]
    for one in case.samples(8, seed=209):
        found = np.array([widths(lard, one["start temperature"]) for lard in SHARES])
        for at in range(len(SECONDS)):
            correlations[at].append(float(np.corrcoef(SHARES, found[:, at])[0, 1]))
    measured = (-(0.910**0.5), -(0.838**0.5), -(0.778**0.5))
    return tuple(
        judged(
            f"correlation of the width with lard at {time / 60.0:g} min",
            "",
            values,
            within=(None, -0.8),
            reference=known,
            unknown=case.unknown_text,
        )
        for time, values, known in zip(SECONDS, correlations, measured, strict=True)
    )
