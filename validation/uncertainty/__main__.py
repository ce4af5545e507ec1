# SPDX-License-Identifier: LGPL-3.0-or-later
"""How sure one plan per modality is: ``python -m validation.uncertainty [MODALITY ...]``; run again, it goes on."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from validation.uncertainty.record import write_record
from validation.uncertainty.study import MODALITIES, Study, draw_all


def main() -> int:
    """Draw the plans that were asked for, and renew the page of all that are finished."""
    parser = argparse.ArgumentParser(prog="python -m validation.uncertainty", description=__doc__)
    parser.add_argument("modalities", nargs="*", metavar="MODALITY", help=f"of {', '.join(MODALITIES)}; all if none")
    parser.add_argument("--samples", type=int, default=64, help="members per plan")
    parser.add_argument("--processes", type=int, default=2, help="modalities at a time")
    parser.add_argument("--minutes", type=float, default=40.0, help="after which nothing new is begun")
    parser.add_argument(
        "--out", type=Path, default=Path("runs") / "uncertainty_of_modalities", help="folder of the runs"
    )
    parser.add_argument("--write", action="store_true", help="renew results.json, the page and its figures")
    chosen = parser.parse_args()
    if unknown := set(chosen.modalities) - set(MODALITIES):
        parser.error(f"no such modality: {', '.join(sorted(unknown))}; there are {', '.join(MODALITIES)}")
    study = Study(chosen.out, chosen.samples, chosen.minutes)
    unfinished = draw_all(study, chosen.modalities or list(MODALITIES), chosen.processes)
    if chosen.write:
        write_record(chosen.out)
    for name, reason in unfinished.items():
        print(f"{name}: {reason}")
    return 1 if unfinished else 0


if __name__ == "__main__":
    sys.exit(main())
