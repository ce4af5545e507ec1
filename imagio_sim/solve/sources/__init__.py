# SPDX-License-Identifier: LGPL-3.0-or-later
"""What acts on the tissue during a stage, one file per modality.

A new modality adds its file with a spec, its source and ``PARTS``, and joins the line below.
"""

from imagio_sim.solve.sources import (
    cryo,
    drug,
    electroporation,
    ischaemia,
    laser,
    liposomes,
    microwave,
    radiation,
    radiofrequency,
    ultrasound,
)
from imagio_sim.solve.sources.prescribed import VolumeSource
from imagio_sim.solve.sources.source import Deposit, HeatSource, SourceSpec, Surroundings

PARTS: tuple[type, ...] = (
    VolumeSource,
    *cryo.PARTS,
    *drug.PARTS,
    *laser.PARTS,
    *liposomes.PARTS,
    *electroporation.PARTS,
    *ischaemia.PARTS,
    *radiation.PARTS,
    *radiofrequency.PARTS,
    *microwave.PARTS,
    *ultrasound.PARTS,
)
"""Every dataclass that a spec is made of, as a case file may hold it."""

__all__ = ["PARTS", "Deposit", "HeatSource", "SourceSpec", "Surroundings", "VolumeSource"]
