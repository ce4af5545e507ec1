# SPDX-License-Identifier: LGPL-3.0-or-later
"""Electroporation needles of a stage: which pair is pulsed when, and how the tissue around them opens."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from imagio_sim.campaign.modalities.setting import StageSetting
from imagio_sim.devices.modalities.electroporation import ElectroporationDevice
from imagio_sim.plan.programs.electroporation import (
    ElectrodePair,
    PulseSequence,
    electrode_middle_mm,
    needle_distance_mm,
)
from imagio_sim.solve.sources import SourceSpec
from imagio_sim.solve.sources.electroporation import (
    TISSUE_FIELDS,
    ElectroporationSpec,
    PulseElectrode,
    PulsePair,
    PulseTrain,
)
from imagio_sim.tissue import property_table

MODALITY = "electroporation"


def sources(setting: StageSetting) -> tuple[SourceSpec, ...]:
    """All needles together: their one program says which of them are pulsed against each other."""
    first = setting.assignments(MODALITY)[0]
    program, device = first.program, first.device
    assert isinstance(program, PulseSequence)
    assert isinstance(device, ElectroporationDevice)
    memory = program.conductivity_memory
    return (
        ElectroporationSpec(
            electrodes=_electrodes(setting),
            pairs=tuple(_pair(setting, program, pair) for pair in program.pairs),
            trains=tuple(
                PulseTrain(train.pair, first.start + train.start, first.start + train.end) for train in program.trains
            ),
            repetition_rate=program.rate,
            largest_current=device.generator.max_current.value,
            conductivity_memory=setting.constants["electroporation_memory"] if memory is None else memory,
            cell_fields=_cell_fields(setting),
        ),
    )


def _electrodes(setting: StageSetting) -> tuple[PulseElectrode, ...]:
    names = {one.name for one in setting.assignments(MODALITY)}
    return tuple(
        PulseElectrode(applicator.name, (surface,))
        for applicator, surface, section in setting.sections()
        if applicator.name in names and section.conductor is not None
    )


def _pair(setting: StageSetting, program: PulseSequence, pair: ElectrodePair) -> PulsePair:
    one, other = (setting.placed(name) for name in pair.electrodes)
    x, y, z = 0.5 * (electrode_middle_mm(one) + electrode_middle_mm(other))
    return PulsePair(
        name=pair.name,
        driven=one.name,
        returned=other.name,
        centre_mm=(float(x), float(y), float(z)),
        voltage=program.voltage_of(pair, needle_distance_mm(one, other)),
        pulse_width=program.pulse_width_of(pair),
        pulses=program.pulses_of(pair),
    )


def _cell_fields(setting: StageSetting) -> dict[str, NDArray[np.float64]]:
    """How each cell opens: its tissues side by side, the fields weighted by how much their tissues open."""
    sampled = setting.geometry.sampled
    table = property_table([setting.scenario.tissue(name) for name in sampled.tissues], TISSUE_FIELDS)
    fractions = sampled.fractions
    rise = table["electroporated_conductivity"] - table["intact_conductivity"]
    weights = fractions * np.where(rise > 0.0, rise, 1e-9)
    weights = weights / weights.sum(axis=1, keepdims=True)
    fields = {name: fractions @ table[name] for name in TISSUE_FIELDS[:2]}
    return fields | {name: weights @ table[name] for name in TISSUE_FIELDS[2:]}
