# SPDX-License-Identifier: LGPL-3.0-or-later
"""Perfusion lost during chemo-embolisation, and the necrosis that ischaemia alone makes of it.

Run as ``python3 -m validation.experiments.DR07_perfusion_reduction.study``; writes the tables to standard output.
"""

from __future__ import annotations

from itertools import pairwise

from imagio_sim.campaign.validation import ValidationCase, Verdict, judged
from imagio_sim.tissue.death.ischaemia import ischaemia_death_models
from imagio_sim.tissue.library import load_tissue

DAY = 86400.0
MEASURED = (
    ("27 tumours, area under the curve", 0.536, None),
    ("22 tumours, blood flow", 0.610, (0.483, 0.736)),
)
RANGES = (("25 to 75 %", "15 of 16"), ("outside", "3 of 11"))


def necrosis(reduction: float, arterial: float, days: float) -> tuple[float, ...]:
    """Share of the cells that each model says has died, where the tumour's mean perfusion fell by ``reduction``."""
    closed = min(reduction / arterial, 1.0)
    return tuple(closed * (1.0 - model.survival(1.0 - arterial, days * DAY)) for model in ischaemia_death_models())


def judge(case: ValidationCase) -> tuple[Verdict, ...]:
    """Which share of the arterioles the measured losses stand for, and that necrosis rises with the loss."""
    arterial = load_tissue("hcc").value("arterial_share")
    closed = [
        judged(f"arterioles closed, {name}", "", lost / arterial, within=(0.0, 1.0)) for name, lost, _ in MEASURED
    ]
    dead = [necrosis(lost, arterial, 28.0) for lost in (0.1, 0.25, 0.5, 0.75)]
    rises = min(after - before for one, two in pairwise(dead) for before, after in zip(one, two, strict=True))
    return (*closed, judged("least rise of necrosis with the loss, any model", "", rises, within=(1e-6, None)))


def main() -> None:
    """Write the closed share that each measured mean stands for, and the necrosis over the whole range."""
    tissue = load_tissue("hcc")
    arterial, spread = tissue.value("arterial_share"), tissue.values["arterial_share"]
    print("| measured | perfusion lost | arterioles closed (arterial share 0.89; 1.0 to 0.7) |\n|---|---|---|")
    for name, lost, interval in MEASURED:
        limits = "" if interval is None else f" ({interval[0]:.0%} to {interval[1]:.0%})"
        ends = [min(lost / (share or arterial), 1.0) for share in (spread.high, spread.low)]
        print(f"| {name} | {lost:.0%}{limits} | {lost / arterial:.0%}; {ends[0]:.0%} to {ends[1]:.0%} |")
    names = [model.name for model in ischaemia_death_models()]
    print(f"\n| perfusion lost | {' | '.join(f'{name} 1 d, 4 weeks' for name in names)} |\n|---|{'---|' * len(names)}")
    for lost in (0.0, 0.1, 0.25, 0.536, 0.75, arterial):
        soon, late = (necrosis(lost, arterial, days) for days in (1.0, 28.0))
        cells = " | ".join(f"{one:.0%}, {other:.0%}" for one, other in zip(soon, late, strict=True))
        print(f"| {lost:.0%} | {cells} |")
    print("\n" + "; ".join(f"responders with a loss {where}: {counted}" for where, counted in RANGES))


if __name__ == "__main__":
    main()
