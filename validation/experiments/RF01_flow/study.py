# SPDX-License-Identifier: LGPL-3.0-or-later
"""Burns in perfused bovine liver against its portal flow (RF01)."""

from __future__ import annotations

import numpy as np

from imagio_sim.campaign.validation import ValidationCase, Verdict, judged
from validation.experiments.bench import Bench, burned

FLOWS = (10.0, 30.0, 50.0)
"""Flow [ml/min/100 g]."""
MEASURED_MM = {flow: 39.25 - 0.44 * flow for flow in FLOWS}
SLOPE_MM = -4.4
"""Change of the small diameter [mm] per 10 ml/min/100 g, by the line that was fitted."""
DENSITY = 1.06
"""Of liver [g/ml], to turn flow by mass into flow by volume."""


def perfusion_rate(flow: float) -> float:
    """Perfusion [1/s] of a flow [ml/min/100 g]."""
    return flow * DENSITY / 100.0 / 60.0


def judge(case: ValidationCase) -> tuple[Verdict, ...]:
    """Small diameter at three flows and its slope, over the duration."""
    found: dict[float, list[float]] = {flow: [] for flow in FLOWS}
    models: dict[float, tuple[float, ...]] = {}
    for one in case.samples(8, seed=101):
        program = {"mode": "impedance_control", "duration": f"{one['duration']:.2f} min"}
        for flow in FLOWS:
            values = {"perfusion_rate": f"{perfusion_rate(flow)} 1/s"}
            burn = burned(Bench("cooled_17g_3cm", program, values=values))
            found[flow].append(burn.size.across_mm)
            models[flow] = burn.over_models("across_mm")
    slopes = [float(np.polyfit(FLOWS, row, 1)[0]) * 10.0 for row in zip(*found.values(), strict=True)]
    sizes = [
        judged(
            f"small diameter at {flow:g} ml/min/100 g",
            "mm",
            found[flow],
            within=(MEASURED_MM[flow] - 4.0, MEASURED_MM[flow] + 4.0),
            reference=MEASURED_MM[flow],
            models=models[flow],
            unknown=case.unknown_text,
        )
        for flow in FLOWS
    ]
    limits = (1.25 * SLOPE_MM, 0.75 * SLOPE_MM)
    unknown = case.unknown_text
    slope = judged(
        "slope per 10 ml/min/100 g", "mm", slopes, within=limits, reference=SLOPE_MM, spread=0.4, unknown=unknown
    )
    return (*sizes, slope)
