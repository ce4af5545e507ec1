# SPDX-License-Identifier: LGPL-3.0-or-later
"""Draw what is uncertain of the plans in ``scenarios``, several modalities at a time and not beyond a time."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from imagio_sim.errors import ImagioError, Interrupted

SCENARIOS = Path(__file__).parent / "scenarios"
# The dearest first, so that what is left at the end is short.
MODALITIES = (
    *("ultrasound", "microwave", "electroporation", "radiofrequency", "liposomes"),
    *("radioembolisation", "chemoembolisation", "cryo", "laser"),
)
PLACEMENT_MM = 2.5
SEED = 0


@dataclass(frozen=True)
class Study:
    """Folder of the runs, members per plan, and the time [min] after which nothing new is begun."""

    out: Path
    samples: int
    minutes: float


def draw_all(study: Study, modalities: Sequence[str], processes: int) -> dict[str, str]:
    """Draw the plans of some modalities; those that did not get to their end, and why."""
    deadline, unfinished = time.time() + 60.0 * study.minutes, {}
    # A process that was forked would share the state of MPI and PETSc.
    with ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn")) as pool:
        waiting = {pool.submit(_draw, study, name, deadline): name for name in modalities}
        for one in as_completed(waiting):
            name, reason = waiting[one], one.result()
            print(f"{name}: {reason or 'finished'}", flush=True)
            if reason:
                unfinished[name] = reason
    return unfinished


def _draw(study: Study, modality: str, deadline: float) -> str:
    """Draw one scenario's plans into a folder of its own; why it ended early, or nothing."""
    from imagio_sim.campaign.run import Listener, RunOptions
    from imagio_sim.campaign.uncertainty.page import write_page_of
    from imagio_sim.campaign.uncertainty.propagation import Asked, uncertainty_of, write_uncertainty
    from imagio_sim.plan import load_scenario

    def say(line: str) -> None:
        if time.time() > deadline:
            raise Interrupted("out of time; the same command goes on")
        print(f"{modality}: {line}", flush=True)

    scenario = load_scenario(SCENARIOS / f"{modality}.yaml")
    options = RunOptions(study.out / modality, scenario.solver.resolution, pictures=False)
    asked = Asked(study.samples, SEED, PLACEMENT_MM, members="coarse")
    try:
        found = uncertainty_of(
            scenario, list(scenario.plans), asked, options, Listener(say, lambda _: None, lambda: False)
        )
    except ImagioError as error:
        return str(error)
    write_uncertainty(options.out, found, asked)
    write_page_of(options.out, scenario, found, asked)
    return ""
