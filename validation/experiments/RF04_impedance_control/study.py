# SPDX-License-Identifier: LGPL-3.0-or-later
"""A burn under impedance control in excised porcine liver, with two thermometers beside it (RF04)."""

from __future__ import annotations

import numpy as np

from imagio_sim.campaign.validation import ValidationCase, Verdict, judged
from validation.experiments.bench import Bench, Burned, burned

PROGRAM = {
    "mode": "impedance_control",
    "duration": "12 min",
    "max_power": "200 W",
    "roll_off_rise": "20 ohm",
    "pause_power": "10 W",
    "pause_duration": "15 s",
}
LENGTHS = {2: "cooled_17g_2cm", 3: "cooled_17g_3cm", 4: "cooled_17g_4cm"}


def burn(length_cm: int, start: float) -> Burned:
    """With an exposed length [cm], from a temperature [degC]; thermometers beside the middle of the electrode."""
    probes = {"a": (10.0, 5.0 * length_cm), "b": (20.0, 5.0 * length_cm)}
    return burned(Bench(LENGTHS[length_cm], PROGRAM, excised=True, body_temperature=start, probes=probes))


def time_to(burn: Burned, temperature: float) -> float:
    """Time [s] until the nearer thermometer shows a temperature; the end where it never does."""
    times, course = burn.course("a")
    reached = np.flatnonzero(course >= temperature)
    return float(times[reached[0]] if len(reached) else times[-1])


def judge(case: ValidationCase) -> tuple[Verdict, ...]:
    """Axes, highest temperatures and the time to 54 degC, over exposed length and temperature at the start."""
    burns = [burn(min(4, int(one["exposed length"])), one["start temperature"]) for one in case.samples(8, seed=104)]
    courses = {name: [float(one.course(name)[1].max()) for one in burns] for name in ("a", "b")}
    rows: dict[str, tuple[str, list[float], float, float, float]] = {
        "along": ("mm", [one.size.along_mm for one in burns], 39.0, 2.0, 0.15 * 39.0),
        "across": ("mm", [one.size.across_mm for one in burns], 31.0, 1.0, 0.15 * 31.0),
        "highest at 1 cm": ("degC", courses["a"], 76.8, 8.2, 2 * 8.2),
        "highest at 2 cm": ("degC", courses["b"], 58.8, 7.4, 2 * 7.4),
        "54 degC at 1 cm after": ("s", [time_to(one, 54.0) for one in burns], 135.0, 33.9, 2 * 33.9),
    }
    models = {"along": burns[0].over_models("along_mm"), "across": burns[0].over_models("across_mm")}
    return tuple(
        judged(
            name,
            unit,
            found,
            within=(reference - tolerance, reference + tolerance),
            reference=reference,
            spread=spread,
            models=models.get(name, ()),
            unknown=case.unknown_text,
        )
        for name, (unit, found, reference, spread, tolerance) in rows.items()
    )
