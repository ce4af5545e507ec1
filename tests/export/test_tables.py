# SPDX-License-Identifier: LGPL-3.0-or-later
import csv
import math
from pathlib import Path

import pytest

from imagio_sim.export.tables import write_history_csv

COLUMNS = {"time_s": [0.0, 0.5, 1.0], "power_W": [0.0, 60.0, 59.123456789], "impedance_ohm": [math.nan, 81.0, 80.5]}


def test_a_history_reads_back_from_csv(tmp_path: Path) -> None:
    write_history_csv(tmp_path / "history.csv", COLUMNS)
    with (tmp_path / "history.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert [float(row["power_W"]) for row in rows] == pytest.approx(COLUMNS["power_W"], rel=1e-8)
    assert rows[0]["impedance_ohm"] == ""


def test_columns_of_different_length_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="different length"):
        write_history_csv(tmp_path / "history.csv", {"time_s": [0.0], "power_W": []})
    assert not list(tmp_path.iterdir())
