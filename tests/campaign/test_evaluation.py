# SPDX-License-Identifier: LGPL-3.0-or-later
"""What is written about a zone."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np

from imagio_sim.anatomy.lesion import VirtualLesion
from imagio_sim.anatomy.model import build_anatomy
from imagio_sim.anatomy.volume import LabelVolume
from imagio_sim.campaign.evaluation import write_label_maps
from tests.export.test_dicom_seg import grid, series


def test_other_files_beside_the_slices_do_not_keep_the_zone_from_becoming_dicom(tmp_path: Path) -> None:
    folder, out = tmp_path / "ct", tmp_path / "out"
    folder.mkdir()
    out.mkdir()
    series(folder)
    (folder / "notes.txt").write_text("breath hold")
    zone = VirtualLesion((4.0, 15.0, 106.0), (5.0, 5.0, 4.0), "hcc")
    blank = LabelVolume(np.zeros(grid().shape, np.int32), grid(), {})
    anatomy = build_anatomy(blank, pack=None, overrides={}, unlabelled="liver", outside="liver", target=zone)
    probe = SimpleNamespace(dead=lambda level, points: zone.contains(points))
    assessment = cast(Any, SimpleNamespace(probe=probe, level=None, zone=SimpleNamespace(surface=zone.surface())))

    def written() -> tuple[str, ...]:
        maps = write_label_maps(out, anatomy, assessment, labels_file=None, series=folder, plan="A", structures={})
        return maps.notes

    assert written() == ()
    (out / "necrosis.dcm").rename(folder / "necrosis.dcm")
    assert written() == ()
    assert (out / "necrosis.dcm").is_file()
