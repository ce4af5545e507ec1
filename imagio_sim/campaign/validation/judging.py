# SPDX-License-Identifier: LGPL-3.0-or-later
"""The program that judges one case in a process of its own: ``python -m ... CASE_YAML RESULT_JSON``."""

from __future__ import annotations

import importlib
import json
import sys
from dataclasses import asdict
from pathlib import Path

from imagio_sim.campaign.validation.case import ValidationCase
from imagio_sim.plan.reading import parse_yaml


def main() -> None:
    """Import the study of the case's folder, ask it for the verdicts and write them."""
    file, target = Path(sys.argv[1]), Path(sys.argv[2])
    case = ValidationCase.model_validate(parse_yaml(file.read_text(encoding="utf-8"), str(file)))
    folder = file.resolve().parent
    module = importlib.import_module(f"validation.{folder.parent.name}.{folder.name}.{case.study}")
    target.write_text(json.dumps([asdict(one) for one in module.judge(case)]), encoding="utf-8")


if __name__ == "__main__":
    main()
