# SPDX-License-Identifier: LGPL-3.0-or-later
"""Doxorubicin around occluded vessels of patients, 8 h and a month after embolisation (DR01).

Run as ``python -m validation.experiments.DR01_patient_explants.study``; writes the tables to standard output.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from imagio_sim.campaign.validation import ValidationCase, Verdict, judged
from imagio_sim.solve.bead_scale_solution import BeadScaleSolution
from validation.experiments.around_beads import DAY, HOUR, MICROMOLAR, Setting

TIMES = [8 * HOUR, 7 * DAY, 30 * DAY]
DISTANCE = 0.6e-3
"""Half of the measured diameter [m]."""
SETTINGS = {
    "single beads, 2 ml in 200 ml": Setting("dc_bead_100_300", "hcc", 1.0),
    "vessels of 160 um full of beads, 2 ml in 200 ml": Setting("dc_bead_100_300", "hcc", 1.0, 80e-6),
    "vessels of 300 um full of beads, 2 ml in 200 ml": Setting("dc_bead_100_300", "hcc", 1.0, 150e-6),
}
RABBITS_DISTANCE = 0.2e-3
"""Up to which drug was found around other beads in rabbits [m]."""
DETECTED = 0.1 * MICROMOLAR
"""What is taken as detected [mol/m3 of tissue]; 0.65 uM was measured."""


def near(solution: BeadScaleSolution, *, in_cells: bool) -> NDArray[np.float64]:
    """Drug per volume of tissue within 0.6 mm [uM] at all times, with or without what is in cells."""
    held = solution.tissue_concentration if in_cells else solution.tissue_concentration - solution.cells
    return np.asarray(solution.mean_within(held, DISTANCE) / MICROMOLAR, float)


def reach(solution: BeadScaleSolution) -> float:
    """How far drug is detected at 8 h [mm], from the vessel's axis."""
    return 1e3 * float(solution.penetration_depth(DETECTED)[0] + solution.cell.core.radius)


def judge(case: ValidationCase) -> tuple[Verdict, ...]:
    """Concentrations, of all drug and of that outside cells, and reach, over how the beads lie and the bath of DR04."""
    solutions = [one.solve(TIMES) for setting in SETTINGS.values() for one in setting.over_baths(case)]
    how = f"how the beads lie, {case.unknown_text}"
    verdicts = []
    for what, in_cells in (("tissue", True), ("tissue outside cells", False)):
        found = np.array([near(one, in_cells=in_cells) for one in solutions])
        ratio = found[:, 2] / found[:, 0]
        verdicts += [
            judged(f"{what} at 8 h", "uM", found[:, 0], within=(2.5, 10.0), reference=5.0, unknown=how),
            judged(f"{what}, a month by 8 h", "", ratio, within=(0.065, 0.26), reference=0.13, unknown=how),
        ]
    far = [reach(one) for one in solutions]
    return (
        *verdicts,
        judged("reach around the vessel at 8 h", "mm", far, within=(0.6, None), reference=0.6, unknown=how),
    )


def _row(name: str, solution: BeadScaleSolution) -> str:
    """A line of a table: all drug and that outside cells at 8 h and a month, their ratios, reach, what was released."""
    columns = []
    for in_cells in (True, False):
        found = near(solution, in_cells=in_cells)
        columns.append(f"{found[0]:.3g}, {found[2]:.2g} ({found[2] / found[0]:.2g})")
    released = ", ".join(f"{share:.0%}" for share in solution.released_share[[0, 2]])
    return f"| {name} | {' | '.join(columns)} | {reach(solution):.2f} | {released} |"


def main() -> None:
    """Print the settings, for several baths of DR04, and for vessels of 160 um what the spread of each number does."""
    head = "all drug, uM at 8 h, a month (ratio) | outside cells, the same | reach, mm | released at 8 h, a month |"
    print(f"| setting | {head}\n|---|---|---|---|---|")
    for name, setting in SETTINGS.items():
        for bath in (20.0, 100.0, 500.0, 5000.0):
            print(_row(f"{name}, bath {bath:g}", replace(setting, bath_ratio=bath).solve(TIMES)))
    print(
        "\n| setting, within 0.2 mm | 1 week, uM (rabbits 74 to 452) | 1 month, uM (rabbits 10 to 52) |\n|---|---|---|"
    )
    for name, setting in SETTINGS.items():
        solution = setting.solve(TIMES)
        found = solution.mean_within(solution.tissue_concentration, RABBITS_DISTANCE) / MICROMOLAR
        print(f"| {name} | {found[1]:.0f} | {found[2]:.2g} |")
    print(f"\n| changed alone | {head}\n|---|---|---|---|---|")
    chosen = list(SETTINGS.values())[1]
    for name, solution in chosen.spread(TIMES):
        print(_row(name, solution))
    print(f"washout {chosen.surroundings().free_washout:.2e} 1/s; balance {np.max(solution.balance_error):.1e}")


if __name__ == "__main__":
    main()
