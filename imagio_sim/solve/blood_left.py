# SPDX-License-Identifier: LGPL-3.0-or-later
"""What heat, cold and pulses have left of the blood flow: agents that kill over days stop none."""

from __future__ import annotations

import numpy as np

from imagio_sim.solve.death import DeathTracker
from imagio_sim.solve.discretisation import Floats
from imagio_sim.solve.sources.source import Surroundings
from imagio_sim.solve.state_names import SURVIVAL
from imagio_sim.tissue.death import SLOW, death_models, death_records


def initial_fields(surroundings: Surroundings) -> dict[str, Floats]:
    """What earlier stages left, at this rank's nodes (..., count)."""
    own = surroundings.space.input_node
    return {name: values[..., own] for name, values in surroundings.case.initial_state.items()}


def fast_deaths(surroundings: Surroundings) -> DeathTracker:
    """What temperature has killed in earlier stages, by the deciding models."""
    case, count = surroundings.case, surroundings.space.count
    deciding = [name for name in case.deciding_models if name in death_records() and not _is_slow(name)]
    models = death_models([death_records()[name].agent for name in deciding], case.death_parameters)
    tracker = DeathTracker([model for model in models if model.name in deciding], deciding, count)
    fields = initial_fields(surroundings)
    if any(name.startswith("death/") for name in fields):
        tracker.restore(fields)
    return tracker


def survival_of_others(surroundings: Surroundings) -> Floats:
    """Share (count,) whose blood nothing but temperature has stopped in earlier stages."""
    left: Floats = np.ones(surroundings.space.count)
    for name, survival in initial_fields(surroundings).items():
        if name.startswith(SURVIVAL) and not _is_slow(name.removeprefix(SURVIVAL)):
            left = left * survival
    return left


def blood_left(surroundings: Surroundings) -> Floats:
    """Share (count,) of the blood flow that earlier stages have left."""
    alive = (1.0 - fast_deaths(surroundings).dead_fraction()) * survival_of_others(surroundings)
    return surroundings.materials.living_share(1.0 - alive)


def _is_slow(model: str) -> bool:
    return death_records()[model].agent in SLOW
