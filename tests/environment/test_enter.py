# SPDX-License-Identifier: LGPL-3.0-or-later
"""A command inside of the environment behaves as outside: its files, exit code, signals and terminal are its own."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
ENVIRONMENT = CHECKOUT / "environment"


def root_of(package_list: str) -> Path:
    command = f". {ENVIRONMENT}/definition.bash; root_of {package_list}"
    return Path(subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True).stdout)


@pytest.fixture(scope="module")
def pivot() -> list[str]:
    root = root_of("packages.txt")
    if not root.is_dir():
        pytest.skip("DOLFINx is this machine's own: there is no private root to enter")
    return [str(ENVIRONMENT / "pivot"), str(root)]


def test_the_working_directory_stays(pivot: list[str], tmp_path: Path) -> None:
    deep = tmp_path / "patient 1" / "plans"
    deep.mkdir(parents=True)

    shown = subprocess.run([*pivot, "pwd"], cwd=deep, capture_output=True, text=True, check=True)

    assert shown.stdout == f"{deep}\n"


def test_files_are_written_where_the_user_sees_them(pivot: list[str], tmp_path: Path) -> None:
    subprocess.run([*pivot, "cp", "/etc/debian_version", "copy"], cwd=tmp_path, check=True)

    assert (tmp_path / "copy").read_text().startswith("13")
    assert (tmp_path / "copy").stat().st_uid == os.getuid()


def test_the_exit_code_is_the_command_s(pivot: list[str]) -> None:
    assert subprocess.run([*pivot, "bash", "-c", "exit 7"], check=False).returncode == 7


def test_standard_input_reaches_the_command(pivot: list[str]) -> None:
    assert subprocess.run([*pivot, "cat"], input=b"60 W", capture_output=True, check=True).stdout == b"60 W"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_to_the_launcher_reaches_the_program(pivot: list[str], number: signal.Signals) -> None:
    program = (
        "import signal, sys, time\n"
        f"signal.signal({int(number)}, lambda *_: sys.exit(130))\n"
        "print('ready', flush=True)\n"
        "time.sleep(30)"
    )
    started = subprocess.Popen([*pivot, "/usr/bin/python3", "-c", program], stdout=subprocess.PIPE, text=True)
    assert started.stdout is not None
    assert started.stdout.readline() == "ready\n"

    started.send_signal(number)

    assert started.wait(timeout=10) == 130


def test_what_would_be_lost_cannot_be_written(pivot: list[str]) -> None:
    refused = subprocess.run([*pivot, "touch", "/lost"], capture_output=True, text=True, check=False)

    assert refused.returncode != 0
    assert "Read-only" in refused.stderr


def test_removing_the_cache_from_within_cannot_reach_this_machine_s_files(pivot: list[str]) -> None:
    shown = subprocess.run([*pivot, "ls", "-A", f"{pivot[1]}/mnt"], capture_output=True, text=True, check=True)

    assert shown.stdout == ""


def test_within_the_environment_enter_adds_nothing() -> None:
    shown = subprocess.run(
        [ENVIRONMENT / "enter", "python3", "-c", "import sys; print(sys.executable)"],
        env=os.environ | {"IMAGIO_INSIDE": str(CHECKOUT), "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
    )

    assert shown.stdout.strip() == sys.executable


def test_the_launcher_works_through_a_link_from_anywhere(tmp_path: Path) -> None:
    link = tmp_path / "imagio"
    link.symlink_to(CHECKOUT / "imagio")

    shown = subprocess.run(
        [link, "--version"],
        cwd=tmp_path,
        env=os.environ | {"IMAGIO_INSIDE": str(CHECKOUT), "PYTHONPATH": f"{CHECKOUT}:{CHECKOUT / 'cli'}"},
        capture_output=True,
        text=True,
        check=True,
    )

    assert shown.stdout.startswith("imagio ")


@pytest.mark.mpi
@pytest.mark.parametrize("ranks", [2, 3])
def test_ranks_talk_to_each_other(ranks: int) -> None:
    program = "from mpi4py import MPI; print(MPI.COMM_WORLD.allreduce(1))"

    shown = subprocess.run(
        ["mpirun", "-n", str(ranks), "--map-by", ":OVERSUBSCRIBE", sys.executable, "-c", program],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )

    assert shown.stdout.replace("\n", "") == str(ranks) * ranks  # the ranks' lines may run into each other
    assert shown.stderr == ""


def test_the_real_paraview_opens_a_file_and_draws_it(tmp_path: Path) -> None:
    if not (shutil.which("pvbatch") or root_of("packages-paraview.txt").is_dir()):
        pytest.skip("no ParaView here: environment/setup --with-paraview makes one")
    import pyvista

    pyvista.Sphere().cast_to_unstructured_grid().save(tmp_path / "sphere.vtu")
    (tmp_path / "draw.py").write_text(
        "from paraview.simple import *\n"
        "Show(XMLUnstructuredGridReader(FileName=['sphere.vtu']))\n"
        "Render()\n"
        "SaveScreenshot('sphere.png')\n"
    )

    subprocess.run(
        [ENVIRONMENT / "enter", "--layer", "paraview", "pvbatch", "--force-offscreen-rendering", "draw.py"],
        cwd=tmp_path,
        timeout=120,
        check=True,
    )

    assert (tmp_path / "sphere.png").stat().st_size > 1000


def test_the_slurm_layer_has_the_environment_and_the_cluster_s_programs(tmp_path: Path) -> None:
    if not root_of("packages.txt packages-slurm.txt").is_dir():
        pytest.skip("no SLURM layer here: environment/setup --with-slurm makes one")
    asked = "command -v sbatch; python3 -c 'import dolfinx, snakemake'; pwd"

    shown = subprocess.run(
        [ENVIRONMENT / "enter", "--layer", "slurm", "bash", "-ec", asked],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )

    assert shown.stdout == f"/usr/bin/sbatch\n{tmp_path}\n"
