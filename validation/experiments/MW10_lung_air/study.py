# SPDX-License-Identifier: LGPL-3.0-or-later
"""How much wider microwave zones are in deflated than in inflated excised lung of pigs (MW10)."""

from __future__ import annotations

from imagio_sim.campaign.validation import ValidationCase, Verdict, judged
from validation.experiments.bench import Bench, burned

ANTENNAS = ("mw_choked_ceramic", "mw_dual_slot", "mw_monopole")
"""That of the experiment is not described."""
SECONDS = (100.0, 300.0)
MEASURED = {40.0: (1.245, 1.414), 60.0: (1.273, 1.429)}
"""Width in deflated by that in inflated lung, lowest and highest over 100 to 300 s."""


def widths(antenna: str, watt: float, tissue: str) -> list[float]:
    """Across the antenna [mm] at both times, from the temperature of a room."""
    program = {"mode": "constant_power", "power": f"{watt} W", "duration": "300 s"}
    found = burned(Bench(antenna, program, tissue, excised=True, body_temperature=20.0), SECONDS)
    return [found.size_at(time).across_mm for time in SECONDS]


def judge(case: ValidationCase) -> tuple[Verdict, ...]:
    """The ratio at both times, over antennas."""
    ratios: dict[tuple[float, float], list[float]] = {}
    for antenna in ANTENNAS:
        for watt in MEASURED:
            deflated, inflated = (widths(antenna, watt, f"lung_{state}") for state in ("deflated", "inflated"))
            for time, more, less in zip(SECONDS, deflated, inflated, strict=True):
                ratios.setdefault((watt, time), []).append(more / less)
    return tuple(
        judged(
            f"deflated by inflated, {watt:g} W, {time:g} s",
            "",
            found,
            within=(1.25, 1.46),
            reference=sum(MEASURED[watt]) / 2.0,
            unknown="the antenna",
        )
        for (watt, time), found in ratios.items()
    )
