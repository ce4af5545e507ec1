# SPDX-License-Identifier: LGPL-3.0-or-later
"""The program that judges one case in a process of its own: ``python -m ... CASE_YAML RESULT_JSON``."""

from __future__ import annotations

import importlib
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from imagio_sim.campaign.validation.case import ValidationCase
from imagio_sim.campaign.validation.inputs import DATA
from imagio_sim.plan.reading import parse_yaml


def main() -> None:
    """Import the study of the case's folder, ask it for the verdicts and write them, with the data that it has read."""
    file, target = Path(sys.argv[1]), Path(sys.argv[2])
    case = ValidationCase.model_validate(parse_yaml(file.read_text(encoding="utf-8"), str(file)))
    folder = file.resolve().parent
    read = _watched_files(folder.parents[2])
    module = importlib.import_module(f"validation.{folder.parent.name}.{folder.name}.{case.study}")
    verdicts = [asdict(one) for one in module.judge(case)]
    target.write_text(json.dumps({"verdicts": verdicts, "data_files": sorted(read)}), encoding="utf-8")


def _watched_files(root: Path) -> set[str]:
    """Data files below a folder that this process opens from now on, relative to it; the set fills as it does."""
    found: set[str] = set()

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open" and isinstance(arguments[0], str) and arguments[0].endswith(DATA):
            path = Path(arguments[0]).absolute()
            if path.is_relative_to(root):
                found.add(path.relative_to(root).as_posix())

    sys.addaudithook(watch)
    return found


if __name__ == "__main__":
    main()
