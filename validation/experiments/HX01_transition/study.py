# SPDX-License-Identifier: LGPL-3.0-or-later
"""Width of the rim between living and dead liver of swine after four techniques (HX01)."""

from __future__ import annotations

import numpy as np
from scipy.interpolate import LinearNDInterpolator

from imagio_sim.campaign.validation import ValidationCase, Verdict, judged, not_judged
from imagio_sim.tissue.death.electroporation import electroporation_death_models
from validation.experiments.bench import Bench, Burned, burned
from validation.experiments.IR01_pig_liver.study import Pulsed

MEASURED = {"MW": (319.0, 157.0), "RF": (811.0, 477.0), "IRE": (1319.0, 682.0), "cryo": (452.0, 222.0)}
"""Mean and standard deviation [um]."""
LIMITS = (0.1, 0.9)
"""Dead share at either side of the rim."""
STEP_UM = 10.0


def width_um(places_mm: np.ndarray, dead: np.ndarray, ray_mm: np.ndarray) -> float:
    """Between the outermost points of a ray (n, d) at which 90 and 10 % are dead.

    Shares are interpolated by the logarithm of their odds, because they change over much less than a cell of the mesh.
    """
    share = np.clip(dead, 1e-12, 1.0 - 1e-12)
    odds = LinearNDInterpolator(places_mm, np.log(share / (1.0 - share)))(ray_mm)
    outer = [np.flatnonzero(odds >= np.log(limit / (1.0 - limit)))[-1] for limit in LIMITS]
    return float((outer[0] - outer[1]) * STEP_UM)


def ray(start: np.ndarray, direction: np.ndarray, length_mm: float) -> np.ndarray:
    """Points (n, d) [mm] in steps of 10 um."""
    return start + np.arange(0.0, length_mm, STEP_UM * 1e-3)[:, None] * direction


def of_heat(found: Burned, height_mm: float) -> float:
    """Of a burn, beside the middle of the applicator."""
    dead = found.stage.dead_fraction()
    points = found.stage.space.points * 1e3
    return width_um(points, dead, ray(np.array([3.0, height_mm]), np.array([1.0, 0.0]), 25.0))


def of_pulses() -> float:
    """Of 70 pulses of 2250 V over 15 mm by the Peleg-Fermi law, from between the needles outwards."""
    (law,) = (one for one in electroporation_death_models() if one.name == "peleg_fermi")
    pulsed = Pulsed.apart(15.0)
    strength = pulsed.strength(pulsed.field(2250.0, pulsed.dipole()))
    points, dead = pulsed.space.points * 1e3, 1.0 - law.survival(strength, 70.0)
    near = np.linalg.norm(points[:, [0, 2]], axis=1) < 6.0
    return width_um(points[near], dead[near], ray(np.zeros(3), np.array([0.0, 1.0, 0.0]), 25.0))


def judge(case: ValidationCase) -> tuple[Verdict, ...]:
    """Widths within a factor of two, and their order."""
    burn = {"mode": "impedance_control", "duration": "12 min"}
    waves = {"mode": "constant_power", "power": "60 W", "duration": "5 min"}
    widths = {
        "MW": of_heat(burned(Bench("mw_choked_ceramic", waves, species="pig", body_temperature=38.0)), 11.0),
        "RF": of_heat(burned(Bench("cooled_17g_3cm", burn, species="pig", body_temperature=38.0)), 15.0),
        "IRE": of_pulses(),
    }
    judgements = [
        judged(f"rim, {name}", "um", width, within=(measured / 2, measured * 2), reference=measured, spread=spread)
        for name, width in widths.items()
        for measured, spread in [MEASURED[name]]
    ]
    order = float(widths["MW"] < widths["RF"] < widths["IRE"])
    cold = not_judged("rim, cryo", "um", "the criteria of death by cold are isotherms without a width", reference=452.0)
    return (*judgements, judged("order MW, RF, IRE", "", order, within=(1.0, 1.0), reference=1.0), cold)
