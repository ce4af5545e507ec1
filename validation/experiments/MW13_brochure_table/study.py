# SPDX-License-Identifier: LGPL-3.0-or-later
"""Zones of the equivalent 13 G antenna beside those of the sheet at the powers that did not calibrate it (MW13).

Run as ``python -m validation.experiments.MW13_brochure_table.study``; writes the table to standard output.
"""

from __future__ import annotations

from imagio_sim.campaign.validation import ValidationCase, Verdict, judged
from validation.calibration.antennas.study import CALIBRATION_POWER, Row, Simulated, root_mean_square, sheet, simulated

TOLERANCE = 0.15
"""Largest deviation of a semi-axis, relative to the measured one: what the reference cases ask for by default."""


def within(zone: Simulated, row: Row) -> bool:
    """Whether both contracted semi-axes are within the tolerance."""
    along, across = zone.deviations(row, contracted=True)
    return abs(along) <= TOLERANCE * row.along_mm and abs(across) <= TOLERANCE * row.across_mm


def line(row: Row, zone: Simulated) -> str:
    """A row of the table, in Markdown."""
    along, across = zone.deviations(row, contracted=True)
    return (
        f"| {row.power:g} W, {row.duration:g} s | {row.along_mm:g} × {row.across_mm:g} "
        f"| {zone.along_mm:.1f} × {zone.across_mm:.1f} "
        f"| {zone.along_mm * zone.length_ratio:.1f} × {zone.across_mm * zone.length_ratio:.1f} "
        f"| {along:+.1f} ({along / row.along_mm:+.0%}), {across:+.1f} ({across / row.across_mm:+.0%}) "
        f"| {'yes' if within(zone, row) else 'no'} |"
    )


def judge(case: ValidationCase) -> tuple[Verdict, ...]:
    """Both contracted semi-axes of every row that did not calibrate."""
    verdicts = []
    for row in (one for one in sheet() if one.power != CALIBRATION_POWER):
        zone = simulated("excised", row)
        for name, measured, found in (
            ("along", row.along_mm, zone.along_mm),
            ("across", row.across_mm, zone.across_mm),
        ):
            verdicts.append(
                judged(
                    f"{name} the antenna, {row.power:g} W, {row.duration:g} s",
                    "mm",
                    found * zone.length_ratio,
                    within=((1 - TOLERANCE) * measured, (1 + TOLERANCE) * measured),
                    reference=measured,
                )
            )
    return tuple(verdicts)


def main() -> None:
    """Print both kinds of semi-axes beside the measured ones, in excised liver."""
    print("| power, time | measured, mm | before contraction | contracted | deviation, mm | within |")
    print("|---|---|---|---|---|---|")
    rows = [row for row in sheet() if row.power != CALIBRATION_POWER]
    zones = [simulated("excised", row) for row in rows]
    for row, zone in zip(rows, zones, strict=True):
        print(line(row, zone))
    for power in sorted({row.power for row in rows}):
        pairs = [(row, zone) for row, zone in zip(rows, zones, strict=True) if row.power == power]
        chosen, found = zip(*pairs, strict=True)
        plain, contracted = (root_mean_square(chosen, found, contracted=choice) for choice in (False, True))
        print(f"{power:g} W: rms {contracted:.1f} mm contracted, {plain:.1f} mm before contraction")
    met = sum(within(zone, row) for row, zone in zip(rows, zones, strict=True))
    print(f"{met} of {len(rows)} zones within {TOLERANCE:.0%}")


if __name__ == "__main__":
    main()
