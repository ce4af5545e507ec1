# SPDX-License-Identifier: LGPL-3.0-or-later
"""Cooled electrodes of 17 G and 15 G in excised bovine liver, and 17 G in living pigs (RF08)."""

from __future__ import annotations

from imagio_sim.campaign.validation import ValidationCase, Verdict, judged
from validation.experiments.bench import Bench, Burned, burned

PROGRAM = {"mode": "impedance_control", "duration": "12 min"}
ENERGY_KJ = {"excised": (32.2, 4.1), "living": (35.5, 1.5)}
"""Delivered with 17 G, mean and standard deviation: 7.70 ± 0.98 and 8.49 ± 0.35 kcal."""


def delivered_energy(burn: Burned) -> float:
    """What the generator gave [kJ], in the region and beyond."""
    return (burn.stage.ledger.source + burn.stage.ledger.far_field) / 1e3


def judge(case: ValidationCase) -> tuple[Verdict, ...]:
    """Volume, its ratios over gauge and blood, and energies, over what is not stated."""
    models: tuple[float, ...] = ()
    volumes, gauges, blood = [], [], []
    energies: dict[str, list[float]] = {"excised": [], "living": []}
    for one in case.samples(8, seed=108):
        length = min(3, int(one["exposed length"]))
        start = one["start temperature"]
        thin, thick = (
            burned(Bench(f"cooled_{gauge}g_{length}cm", PROGRAM, excised=True, body_temperature=start))
            for gauge in (17, 15)
        )
        values = {"perfusion_rate": f"{one['perfusion of the pigs']} 1/s"}
        living = burned(Bench(f"cooled_17g_{length}cm", PROGRAM, body_temperature=38.0, values=values))
        volumes.append(thin.size.volume_ml)
        gauges.append(thick.size.volume_ml / thin.size.volume_ml)
        blood.append(living.size.volume_ml / thin.size.volume_ml)
        models = thin.over_models("volume_ml")
        energies["excised"].append(delivered_energy(thin))
        energies["living"].append(delivered_energy(living))
    unknown = case.unknown_text
    limits = (23.86 - 2 * 3.82, 23.86 + 2 * 3.82)
    return (
        judged(
            "volume, 17 G, excised",
            "ml",
            volumes,
            within=limits,
            reference=23.86,
            spread=3.82,
            models=models,
            unknown=unknown,
        ),
        judged("volume, 15 G by 17 G", "", gauges, within=(0.93, 1.55), reference=1.24, unknown=unknown),
        judged("volume, living by excised", "", blood, within=(0.245, 0.408), reference=0.326, unknown=unknown),
        *(
            judged(
                f"energy, 17 G, {where}",
                "kJ",
                energies[where],
                within=(mean - 2 * spread, mean + 2 * spread),
                reference=mean,
                spread=spread,
                unknown=unknown,
            )
            for where, (mean, spread) in ENERGY_KJ.items()
        ),
    )
