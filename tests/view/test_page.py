# SPDX-License-Identifier: LGPL-3.0-or-later
"""What pages do with pictures."""

from __future__ import annotations

from pathlib import Path

import pytest

from imagio_sim.view.page import is_wide


@pytest.mark.parametrize(
    ("inches", "wide"),
    [((16.5, 6.6), True), ((9.9, 3.96), False), ((12.1, 9.2), False)],
    ids=["planes", "bars", "space"],
)
def test_only_a_picture_of_several_parts_has_a_row_to_itself(
    inches: tuple[float, float], wide: bool, tmp_path: Path
) -> None:
    from matplotlib.figure import Figure

    Figure(figsize=inches).savefig(tmp_path / "picture.png", dpi=100)

    assert is_wide(tmp_path / "picture.png") is wide
