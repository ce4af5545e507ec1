# SPDX-License-Identifier: LGPL-3.0-or-later
"""How long doxorubicin stays in beads and tissue of patients (DR06), and what is left in beads of pigs.

Run as ``python -m validation.experiments.DR06_late_presence.study``; writes the table to standard output.
"""

from __future__ import annotations

from imagio_sim.campaign.validation import ValidationCase, Verdict, judged
from validation.experiments.around_beads import DAY, MICROMOLAR, Setting

TIMES = [28 * DAY, 57 * DAY, 80 * DAY, 90 * DAY, 105 * DAY]
DETECTED = 0.1
"""Assumed limit of detection [uM]."""
SETTINGS = {
    "single beads": Setting("dc_bead_100_300", "hcc", 1.0),
    "vessels of 160 um full of beads": Setting("dc_bead_100_300", "hcc", 1.0, 80e-6),
    "vessels of 600 um full of beads": Setting("dc_bead_100_300", "hcc", 1.0, 300e-6),
}


def _text(value: float) -> str:
    """A value, or that it is too small to tell from rounding."""
    return f"{value:.1g}" if value > 1e-6 else "< 1e-6"


def judge(case: ValidationCase) -> tuple[Verdict, ...]:
    """The highest concentration in tissue at 80 and at 105 days, over how the beads lie and the bath of DR04."""
    settings = [one for setting in SETTINGS.values() for one in setting.over_baths(case)]
    found = [one.solve(TIMES).tissue_concentration.max(axis=1) / MICROMOLAR for one in settings]
    how = f"how the beads lie, {case.unknown_text}"
    return (
        judged("highest in tissue at 80 d", "uM", [one[2] for one in found], within=(DETECTED, None), unknown=how),
        judged("highest in tissue at 105 d", "uM", [one[4] for one in found], within=(None, DETECTED), unknown=how),
    )


def main() -> None:
    """Print what is left in the beads and the highest concentration in tissue."""
    print("| setting | day | left in beads | highest concentration in tissue, uM |\n|---|---|---|---|")
    for name, setting in SETTINGS.items():
        solution = setting.solve(TIMES)
        highest = solution.tissue_concentration.max(axis=1) / MICROMOLAR
        for at, time in enumerate(TIMES):
            left = solution.load[at] / solution.cell.core.load
            print(f"| {name} | {time / DAY:g} | {_text(left)} | {_text(highest[at])} |")


if __name__ == "__main__":
    main()
