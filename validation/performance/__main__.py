# SPDX-License-Identifier: LGPL-3.0-or-later
"""How fast the program is: ``python -m validation.performance [PART ...]``, on a machine that does nothing else."""

from __future__ import annotations

import argparse
import sys

from validation.performance.record import PARTS, keep, machine, write_page


def main() -> int:
    """Measure what was asked for, print it, and fail where a promise does not hold."""
    parser = argparse.ArgumentParser(prog="python -m validation.performance", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}; all unless named")
    parser.add_argument("--short", action="store_true", help="coarse meshes and few steps: to see that it works")
    parser.add_argument("--write", action="store_true", help="keep the figures of this version and renew the page")
    chosen = parser.parse_args()
    if unknown := set(chosen.parts) - set(PARTS):
        parser.error(f"no such part: {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    if chosen.write and chosen.short:
        parser.error("short figures are not kept: --short or --write")
    broken: list[str] = []
    for name in chosen.parts or PARTS:
        part, where = PARTS[name], machine()
        found = part.measure(chosen.short)
        print(f"{name}, {where}\n\n{part.table(found)}\n", flush=True)
        broken += part.broken_promises(found)
        if chosen.write:
            keep(name, where, found)
            write_page()
    print("\n".join(broken))
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
