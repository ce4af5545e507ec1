# SPDX-License-Identifier: LGPL-3.0-or-later
"""Whether the models that a scenario asks for exist and have something to decide in its plans."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from imagio_sim.devices.modalities.microwave import MicrowaveDevice
from imagio_sim.plan.model import Fault, fault
from imagio_sim.plan.stages import Plan
from imagio_sim.tissue.death import DECIDING, death_records
from imagio_sim.tissue.dielectric import BANDS, band_of, model_names


def death_model_faults(chosen: str | None, plans: Mapping[str, Plan]) -> Iterator[Fault]:
    """An unknown model of cell death, or one of what no plan kills by."""
    if chosen is None:
        return
    acting = tuple(dict.fromkeys(agent for plan in plans.values() for agent in plan.agents))
    fitting = [name for name, record in death_records().items() if record.agent in acting]
    if chosen in fitting:
        return
    known = chosen in death_records()
    found = f"{chosen!r}, a model of death by {death_records()[chosen].agent}" if known else repr(chosen)
    yield fault(
        "death_model",
        found=found,
        allowed=f"one of {', '.join(fitting)}",
        remedy=f"leave it out for {', '.join(f'{DECIDING[agent]} ({agent})' for agent in acting)}",
    )


def dielectric_model_faults(chosen: str | None, plans: Mapping[str, Plan]) -> Iterator[Fault]:
    """A model that does not exist at the frequency of an antenna, or one without an antenna in any plan."""
    if chosen is None:
        return
    devices = [one.of_library for plan in plans.values() for stage in plan.stages for one in stage.applicators]
    frequencies = {one.antenna.frequency.value for one in devices if isinstance(one, MicrowaveDevice)}
    if not frequencies:
        yield fault(
            "dielectric_model",
            found=f"{chosen!r} in a scenario without microwaves",
            allowed="no dielectric_model",
            remedy="leave it out: it changes nothing where no plan has an antenna",
        )
    for band in sorted({band_of(frequency, where="solver.dielectric_model") for frequency in frequencies}):
        if chosen not in model_names(band):
            yield fault(
                "dielectric_model",
                found=f"{chosen!r} at {BANDS[band] / 1e6:g} MHz",
                allowed=f"one of {', '.join(model_names(band))}",
                remedy="choose one of these",
            )
