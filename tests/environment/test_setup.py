# SPDX-License-Identifier: LGPL-3.0-or-later
"""The steps of ``environment/setup``, with the programs of the machine replaced; CI starts with the whole of it."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

ENVIRONMENT = Path(__file__).resolve().parents[2] / "environment"

Shell = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """A folder that is first on PATH."""
    folder = tmp_path / "programs"
    folder.mkdir()
    return folder


def pretend(folder: Path, name: str, script: str) -> None:
    program = folder / name
    program.write_text(f"#!/bin/bash\n{script}\n")
    program.chmod(0o755)


@pytest.fixture
def shell(tmp_path: Path, programs: Path) -> Shell:
    """Runs lines of bash after the functions of setup have been read."""

    def run(lines: str, **variables: str) -> subprocess.CompletedProcess[str]:
        settings = {
            "PATH": f"{programs}:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": str(tmp_path),
            "XDG_CACHE_HOME": str(tmp_path / "cache"),
        }
        return subprocess.run(
            ["bash", "-c", f". {ENVIRONMENT}/setup\nmkdir -p $cache\n{lines}"],
            env=settings | variables,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


def test_the_mirror_is_the_one_of_the_main_archive(shell: Shell, programs: Path) -> None:
    pretend(
        programs,
        "apt-get",
        "echo file:/vendor nodistro main; echo file:/security bookworm-security main; echo file:/debian bookworm main",
    )

    assert shell("debian_mirror").stdout == "file:/debian\n"


def test_a_file_of_mirrors_is_followed_to_its_first(shell: Shell, programs: Path, tmp_path: Path) -> None:
    mirrors = tmp_path / "mirrors.list"
    mirrors.write_text("# comment\nfile:/first priority:1\nfile:/second\n")
    pretend(programs, "apt-get", f"echo mirror+file:{mirrors} trixie main")

    assert shell("debian_mirror").stdout == "file:/first\n"


def test_a_mirror_that_is_set_comes_first(shell: Shell, programs: Path) -> None:
    pretend(programs, "apt-get", "echo file:/debian bookworm main")

    assert shell("debian_mirror", IMAGIO_DEBIAN_MIRROR="file:/mine").stdout == "file:/mine\n"


def test_without_a_debian_mirror_one_line_says_what_to_do(shell: Shell, programs: Path) -> None:
    pretend(programs, "apt-get", "echo file:/ubuntu noble main")

    refused = shell("make_root $cache/root packages.txt")

    assert refused.returncode == 2
    assert refused.stderr.count("\n") == 1
    assert "IMAGIO_DEBIAN_MIRROR" in refused.stderr
    assert "environment.yml" in refused.stderr


def test_apt_is_used_from_the_first_dolfinx_that_is_new_enough(shell: Shell, programs: Path) -> None:
    pretend(programs, "apt-get", "echo lists")
    for version, route in (("1:0.5.2-2+b1", ""), ("1:0.9.0-9", "/usr/bin/python3"), ("2:0.10.0-1", "/usr/bin/python3")):
        pretend(programs, "apt-cache", f"echo '  Candidate: {version}'")

        assert shell("install_with_apt() { :; }; python=; use_apt_dolfinx; echo $python").stdout.strip() == route


def test_what_apt_does_not_offer_is_not_asked_of_it(shell: Shell, programs: Path) -> None:
    pretend(programs, "apt-get", "echo lists")
    pretend(programs, "apt-cache", "[[ $2 == *adios* ]] || echo '  Candidate: 1:0.9.0-1'")

    installed = shell("install_with_apt() { echo $*; }; use_apt_dolfinx").stdout

    assert "python3-dolfinx-real" in installed
    assert "adios" not in installed


def test_a_failed_step_shows_the_end_of_its_log_and_leaves_no_partial_root(shell: Shell, programs: Path) -> None:
    pretend(programs, "apt-get", "echo file:/debian bookworm main")
    pretend(programs, "apt-config", "true")
    pretend(programs, "unshare", "true")

    failed = shell(
        "install_root_builder() { :; }; unpack_root() { touch $1/file; logged bash -c 'echo no route >&2; exit 1'; }\n"
        "trap finish EXIT; make_root $cache/root packages.txt"
    )

    assert failed.returncode == 2
    assert "no route" in failed.stderr
    assert "setup.log" in failed.stderr
    assert shell("ls -d $cache/root*").stdout == ""


def test_leftovers_of_a_killed_setup_are_removed(shell: Shell) -> None:
    left = shell("mkdir -p $cache/root-x.partial/usr; read_record() { true; }; main; ls $cache")

    assert left.returncode == 0, left.stderr
    assert "partial" not in left.stdout


def test_a_full_disk_is_refused_before_anything_is_made(shell: Shell, programs: Path) -> None:
    pretend(programs, "df", "echo Avail; echo 1048576")

    refused = shell("need_space 4")

    assert refused.returncode == 2
    assert "1 GB free, 4 GB are needed" in refused.stderr


def test_a_second_setup_waits_for_the_first(shell: Shell) -> None:
    lines = "(wait_for_other_setups 2>/dev/null; sleep 1; echo first) & sleep 0.3; wait_for_other_setups; echo second"

    both = shell(lines)

    assert both.stdout == "first\nsecond\n"
    assert "waiting" in both.stderr


def test_without_root_and_sudo_the_packages_to_ask_for_are_named(shell: Shell) -> None:
    refused = shell("may_install() { false; }; install_with_apt mmdebstrap uidmap")

    assert refused.returncode == 2
    assert "apt-get install mmdebstrap uidmap" in refused.stderr


def test_a_record_whose_venv_is_gone_does_not_count(shell: Shell) -> None:
    lines = "printf 'root=\\nvenv=%s\\n' $cache/gone >$(record_file); read_record && echo ready || echo again"

    assert shell(lines).stdout == "again\n"


def test_another_python_first_on_path_is_another_setup(shell: Shell, programs: Path) -> None:
    before = shell("record_file").stdout
    pretend(programs, "python3", "true")

    assert shell("record_file").stdout != before


def test_a_root_depends_on_its_packages_only(shell: Shell, tmp_path: Path) -> None:
    usual = shell("root_of packages.txt").stdout
    (tmp_path / "reordered.txt").write_text("".join(reversed((ENVIRONMENT / "packages.txt").open().readlines())))
    (tmp_path / "longer.txt").write_text((ENVIRONMENT / "packages.txt").read_text() + "hello\n")

    assert shell(f"environment_folder={tmp_path}; root_of reordered.txt").stdout == usual
    assert shell(f"environment_folder={tmp_path}; root_of longer.txt").stdout != usual


def test_no_server_is_written_down() -> None:
    scripts = [path for path in ENVIRONMENT.iterdir() if path.is_file()]

    assert not [path for path in scripts if re.search(r"\w+://\w", path.read_text())]


def test_everything_that_is_to_be_run_can_be() -> None:
    programs = [ENVIRONMENT / "setup", ENVIRONMENT / "enter", ENVIRONMENT / "pivot", ENVIRONMENT.parent / "imagio"]

    assert all(os.access(program, os.X_OK) for program in programs)
