# SPDX-License-Identifier: LGPL-3.0-or-later
"""The same answer on any number of ranks, also after being killed; and failures end all ranks.

Every solution runs as a process of its own, with one rank or under ``mpirun``, and leaves its end in a folder.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from imagio_sim.devices.generator import ImpedanceControl
from imagio_sim.meshing.phantoms import spherical_shell
from imagio_sim.meshing.topology import boundary_facets
from imagio_sim.outcome.zone import ablation_zone
from imagio_sim.solve.case import Numerics, SurfaceCooling, ThermalCase
from imagio_sim.solve.case_file import save_case
from imagio_sim.solve.sources.radiofrequency import Conductor, RadiofrequencySpec
from tests.solve.conftest import Floats
from tests.solve.test_stage import GENEROUS, constant_power, electrode_case

pytestmark = pytest.mark.mpi

PATIENCE = 90.0
"""No process may take longer [s]: what hangs fails."""
REPLAYED = Numerics(linear_tolerance=1e-10, nonlinear_tolerance=1e-8)
STEPS = [0.25, 0.5, 0.5, 1.0, 1.0, 2.0, 2.0, 3.0, 3.0, 4.0, 4.0, 5.0, 5.0]


@dataclass(frozen=True, eq=False)
class End:
    """What a run left: fields in input numbering, and facts."""

    fields: dict[str, Floats]
    facts: dict[str, Any]

    @property
    def temperature(self) -> Floats:
        return self.fields["temperature"]


def command(ranks: int, *arguments: str) -> list[str]:
    launcher = ["mpirun", "-n", str(ranks), "--oversubscribe"] if ranks > 1 else []
    return [*launcher, sys.executable, "-m", *arguments]


def started_as(line: list[str]) -> subprocess.Popen[str]:
    # Ranks that wait give way: a busy machine would otherwise make every message wait for a turn.
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OMPI_MCA_mpi_yield_when_idle": "1"}
    return subprocess.Popen(line, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def started(folder: Path, ranks: int, rest: float = 0.0) -> subprocess.Popen[str]:
    return started_as(command(ranks, "tests.solve.march_program", str(folder), str(rest)))


def end_of(folder: Path, ranks: int) -> End:
    """Solve what lies in the folder, from its checkpoint if there is one."""
    process = started(folder, ranks)
    try:
        said, _ = process.communicate(timeout=PATIENCE)
    finally:
        kill(process)
    assert process.returncode == 0, said
    with np.load(folder / "end.npz") as archive:
        fields = {name: archive[name] for name in archive.files}
    return End(fields, json.loads((folder / "end.json").read_text()))


def kill(process: subprocess.Popen[str]) -> None:
    """Kill -9 the launcher and its ranks, which have process groups of their own."""
    try:
        family = [*psutil.Process(process.pid).children(recursive=True), psutil.Process(process.pid)]
    except psutil.NoSuchProcess:
        return
    for member in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            member.kill()
    process.wait(PATIENCE)


def prepared(folder: Path, case: ThermalCase, steps: list[float] | None = None) -> Path:
    folder.mkdir()
    save_case(case, folder / "case.npz")
    if steps is not None:
        (folder / "steps.json").write_text(json.dumps(steps))
    return folder


@cache
def ball_electrode() -> ThermalCase:
    """A cooled ball of 5 mm that heats liver around it, in three dimensions."""
    case = electrode_case(constant_power(40.0), REPLAYED)
    domain = spherical_shell(5.0, 25.0, 1.2, 5.0)
    cells = len(domain.cells)
    (electrodes,) = case.sources
    assert isinstance(electrodes, RadiofrequencySpec)
    return replace(
        case,
        domain=domain,
        cell_fields={name: np.full(cells, values[0]) for name, values in case.cell_fields.items()},
        vessel_conductance=np.zeros(cells),
        lumen_fraction=np.zeros(cells),
        sources=(replace(electrodes, conductors=(Conductor("needle", ("inner",)),)),),
        cooling=(SurfaceCooling("inner", 1000.0, 20.0, "coolant"),),
        end_time=60.0,
    )


def plate_electrode() -> ThermalCase:
    return electrode_case(constant_power(25.0), REPLAYED)


CASES = {"half plane": plate_electrode, "tetrahedra": ball_electrode}


def agree(one: End, other: End) -> bool:
    difference = np.abs(one.temperature - other.temperature)
    return bool((difference <= 1e-6 * np.abs(other.temperature)).all())


@pytest.mark.parametrize("name", CASES)
def test_replayed_steps_give_the_same_temperature_on_one_rank_and_on_two(name: str, tmp_path: Path) -> None:
    one, two = (end_of(prepared(tmp_path / f"{n}", CASES[name](), STEPS), n) for n in (1, 2))
    assert one.temperature.max() > 60.0
    assert two.facts["solver"]["ranks"] == 2
    assert agree(two, one)


@pytest.mark.parametrize(("before", "after"), [(1, 1), (2, 2), (2, 1), (1, 2)])
def test_a_run_killed_and_resumed_gives_the_same_temperature(before: int, after: int, tmp_path: Path) -> None:
    whole = end_of(prepared(tmp_path / "whole", plate_electrode(), STEPS), 1)
    folder = prepared(tmp_path / "killed", plate_electrode(), STEPS)
    process = started(folder, before, rest=0.2)
    wait_for_step(process, folder, 5)
    kill(process)
    assert not (folder / "end.npz").exists()
    resumed = end_of(folder, after)
    assert 4 <= resumed.facts["resumed_at"] < len(STEPS)
    assert resumed.facts["solver"]["steps"] == len(STEPS)
    assert agree(resumed, whole)
    assert resumed.facts["energy"]["source_J"] == pytest.approx(whole.facts["energy"]["source_J"], rel=1e-9)


def wait_for_step(process: subprocess.Popen[str], folder: Path, step: int) -> None:
    """Until the process has taken so many steps."""
    deadline, taken = time.monotonic() + PATIENCE, folder / "steps_taken"

    def steps() -> int:
        # Empty for an instant while it is written anew.
        return int(taken.read_text() or 0) if taken.exists() else 0

    while steps() < step:
        assert process.poll() is None, "it ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.02)


def pulses(end: End) -> int:
    """How often the generator has paused."""
    (controller,) = end.facts["sources"]["radiofrequency"]["controllers"]
    return int(controller["pulses"])


def zone_volume(case: ThermalCase, end: End) -> float:
    closed = replace(case.domain, surfaces={"boundary": boundary_facets(case.domain.cells)[0]})
    zone = ablation_zone(closed, end.fields[f"level/{case.deciding_models[0]}"], np.array([0.0, 0.0, 1.0]))
    return zone.tissue_volume_mm3


@pytest.mark.parametrize("name", CASES)
def test_adaptive_steps_leave_the_same_zone_on_one_rank_and_on_two(name: str, tmp_path: Path) -> None:
    case = replace(CASES[name](), numerics=Numerics())
    volumes = [zone_volume(case, end_of(prepared(tmp_path / f"{n}", case), n)) for n in (1, 2)]
    assert volumes[0] > 100.0
    assert volumes[1] == pytest.approx(volumes[0], rel=5e-3)


def pulsing() -> ThermalCase:
    controller = ImpedanceControl(
        limits=GENEROUS,
        duration=150.0,
        initial_power=60.0,
        max_power=90.0,
        ramp_rate=0.5,
        roll_off_rise=20.0,
        baseline_window=20.0,
        pause_duration=15.0,
        pause_power=1.0,
        resume_fraction=0.9,
    )
    return electrode_case(controller)


def test_pulses_are_the_same_on_one_rank_and_on_two(tmp_path: Path) -> None:
    case = pulsing()
    one, two = (end_of(prepared(tmp_path / f"{n}", case), n) for n in (1, 2))
    assert pulses(one) >= 2
    assert pulses(two) == pulses(one)
    assert zone_volume(case, two) == pytest.approx(zone_volume(case, one), rel=5e-3)


def test_a_pulsed_run_killed_and_resumed_on_other_ranks_pulses_as_often(tmp_path: Path) -> None:
    case = pulsing()
    whole = end_of(prepared(tmp_path / "whole", case), 1)
    folder = prepared(tmp_path / "killed", case)
    process = started(folder, 2, rest=0.02)
    wait_for_step(process, folder, whole.facts["solver"]["steps"] // 2)
    kill(process)
    resumed = end_of(folder, 1)
    assert resumed.facts["resumed_at"] > 0
    assert pulses(resumed) == pulses(whole)
    assert zone_volume(case, resumed) == pytest.approx(zone_volume(case, whole), rel=5e-3)


def worker(folder: Path, *, ranks: int = 2) -> subprocess.CompletedProcess[str]:
    """What ``imagio run -n 2`` starts, on a folder with a case."""
    arguments = (str(folder), "digest", str(folder / "series" / "fields.xdmf"), "0.0", str(os.getpid()))
    process = started_as(command(ranks, "imagio_sim.campaign.worker", *arguments))
    try:
        said, _ = process.communicate(timeout=PATIENCE)
    finally:
        kill(process)
    return subprocess.CompletedProcess(process.args, process.returncode, said)


def test_the_worker_solves_on_two_ranks(tmp_path: Path) -> None:
    folder = prepared(tmp_path / "run", replace(plate_electrode(), end_time=2.0))
    (folder / "series").mkdir()
    ended = worker(folder)
    assert ended.returncode == 0, ended.stdout
    assert (folder / "final.npz").exists()


def test_a_damaged_case_ends_all_ranks(tmp_path: Path) -> None:
    folder = prepared(tmp_path / "run", plate_electrode())
    (folder / "case.npz").write_bytes((folder / "case.npz").read_bytes()[:5000])
    assert worker(folder).returncode == 1


def test_a_damaged_checkpoint_that_only_one_rank_reads_starts_all_ranks_over(tmp_path: Path) -> None:
    folder = prepared(tmp_path / "run", plate_electrode())
    (folder / "state.npz").write_bytes(b"not an archive")
    assert worker(folder).returncode == 0
    assert (folder / "final.npz").exists()


def test_a_folder_that_one_rank_cannot_write_to_ends_all_ranks_with_code_3(tmp_path: Path) -> None:
    folder = prepared(tmp_path / "run", plate_electrode())
    (folder / "series").write_text("a file where the folder of the series should be")
    ended = worker(folder)
    assert ended.returncode == 3
    assert "StorageFailure" in ended.stdout


def test_a_solution_that_diverges_ends_all_ranks_with_code_3_and_keeps_its_checkpoint(tmp_path: Path) -> None:
    case = plate_electrode()
    fields = dict(case.cell_fields) | {"electrical_conductivity": np.full(len(case.domain.cells), np.nan)}
    folder = prepared(tmp_path / "run", replace(case, cell_fields=fields))
    (folder / "series").mkdir()
    ended = worker(folder)
    assert ended.returncode == 3
    assert "SolverFailure" in ended.stdout
    assert (folder / "state.npz").exists()
