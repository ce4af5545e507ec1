# SPDX-License-Identifier: LGPL-3.0-or-later
"""What if: members are run once, meshes are shared, and the comparison says which is best and where they differ."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import nibabel
import numpy as np
import pytest

from imagio_sim.campaign.finished_runs import FinishedRun, finished_runs, labels_of
from imagio_sim.campaign.run import RunOptions, run_plan
from imagio_sim.campaign.what_if.comparison import Comparison, compare, write_comparison
from imagio_sim.campaign.what_if.sweep import MemberResult, members_of, sweep
from imagio_sim.campaign.what_if.variation import parse_vary
from imagio_sim.errors import ImagioError, InputError, SolverFailure
from imagio_sim.meshing.cache import FOLDER_VARIABLE
from imagio_sim.outcome.ranking import DEFAULT_RULE, parse_rule
from imagio_sim.outcome.result import FILE_NAME, Result
from tests.campaign.bench import PLAN, POWER, bench
from tests.campaign.conftest import Observed

RULE = parse_rule(DEFAULT_RULE)


@dataclass(frozen=True)
class Swept:
    out: Path
    ended: Sequence[MemberResult]

    @property
    def runs(self) -> tuple[FinishedRun, ...]:
        return finished_runs([self.out / one.member.folder for one in self.ended])


def swept(out: Path) -> Swept:
    members = members_of(bench(), (), [parse_vary(f"{POWER}=20W:60W:20W")])
    ended = list(sweep(members, RunOptions(out, "coarse", pictures=False), Observed().listener))
    return Swept(out, ended)


@pytest.fixture(scope="module")
def meshes_made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder of meshes that starts empty."""
    cache = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(FOLDER_VARIABLE, str(cache))
        yield cache / "meshes"


@pytest.fixture(scope="module")
def powers(meshes_made: Path, tmp_path_factory: pytest.TempPathFactory) -> Swept:
    return swept(tmp_path_factory.mktemp("sweep"))


def compared(swept: Swept, maps: Path | None = None, against: str | None = None) -> Comparison:
    return compare(swept.runs, RULE, maps=maps, against=against)


def test_more_power_makes_a_larger_zone(powers: Swept) -> None:
    results = [one.result for one in powers.ended if one.result is not None]
    volumes = [result["ablation_zone"]["volume_ml"] for result in results]

    assert len(volumes) == 3
    assert volumes == sorted(volumes)
    assert volumes[-1] > volumes[0]


def test_a_sweep_makes_one_mesh(powers: Swept, meshes_made: Path) -> None:
    meshes = {json.dumps(run.result["mesh"], sort_keys=True) for run in powers.runs}

    assert len(meshes) == 1
    assert len(list(meshes_made.glob("*.npz"))) == 1


def test_what_is_finished_is_not_run_again(powers: Swept) -> None:
    before = {run.folder: (run.folder / FILE_NAME).stat().st_mtime_ns for run in powers.runs}

    again = swept(powers.out)

    assert {run.folder: (run.folder / FILE_NAME).stat().st_mtime_ns for run in again.runs} == before


def test_one_that_cannot_be_solved_does_not_stop_the_others(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def breaks_at_40(scenario: object, plan: str, options: RunOptions, listener: object) -> Result | None:
        if "40" in options.out.name:
            raise SolverFailure("dried out", last_good_time=1.0, suggestions=("less power", "a finer mesh"))
        return None

    monkeypatch.setattr("imagio_sim.campaign.what_if.sweep.run_plan", breaks_at_40)

    ended = swept(tmp_path).ended

    assert [one.failure[:9] for one in ended] == ["", "dried out", ""]


def test_the_resolution_can_be_what_is_varied(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    seen: list[str] = []

    def note(scenario: object, plan: str, options: RunOptions, listener: object) -> None:
        seen.append(options.resolution)

    monkeypatch.setattr("imagio_sim.campaign.what_if.sweep.run_plan", note)
    members = members_of(bench(), (), [parse_vary("solver.resolution=coarse,fine")])

    list(sweep(members, RunOptions(tmp_path, "normal"), Observed().listener))

    assert seen == ["coarse", "fine"]


def test_too_many_members_are_refused_before_anything_runs() -> None:
    varied = [parse_vary(f"{POWER}=1W:100W:1W"), parse_vary(f"plans.{PLAN}.program.duration=10s:100s:1s")]

    with pytest.raises(InputError, match="9100 runs"):
        members_of(bench(), (), varied)


def test_a_comparison_ranks_by_its_rule_and_says_it(powers: Swept) -> None:
    comparison = compared(powers)

    assert [run.rank for run in comparison.runs] == [1, 1, 3]  # 20 W fails, the others take the same time
    assert [run.constraints["a zone of 0.1 ml"] for run in comparison.runs] == ["pass", "pass", "fail"]
    assert comparison.rule.startswith("fewest failed constraints, then")
    by_energy = compare(powers.runs, parse_rule("energy"))
    energies = [run.figures["energy"] for run in by_energy.runs]
    assert energies == sorted(energies, key=lambda energy: energy or 0.0)


def test_difference_maps_show_what_one_kills_and_another_spares(powers: Swept, tmp_path: Path) -> None:
    comparison = compared(powers, maps=tmp_path)

    zones = {run.label: run.result["ablation_zone"]["volume_ml"] for run in powers.runs}
    assert len(comparison.differences) == 2
    for one in comparison.differences:
        assert one.only_first_ml + one.both_ml == pytest.approx(zones[one.first], abs=0.15)
        assert one.only_second_ml + one.both_ml == pytest.approx(zones[one.second], abs=0.15)
        assert min(one.only_first_ml, one.only_second_ml) == 0.0  # the zone at less power lies within
        image = nibabel.load(tmp_path / str(one.map))
        labels = np.asarray(image.dataobj)
        voxel_ml = abs(np.linalg.det(image.affine[:3, :3])) / 1000.0
        assert (labels == 1).sum() * voxel_ml == pytest.approx(one.only_first_ml)
        assert (labels == 3).sum() * voxel_ml == pytest.approx(one.both_ml)
        assert b"NOT FOR CLINICAL USE" in image.header["descrip"].tobytes()


def test_any_run_can_be_what_others_are_held_against(powers: Swept) -> None:
    labels = [run.label for run in powers.runs]

    assert {one.first for one in compared(powers, against=labels[0]).differences} == {labels[0]}
    with pytest.raises(InputError, match="--against"):
        compared(powers, against="80 W")


def test_tables_hold_what_is_shown(powers: Swept, tmp_path: Path) -> None:
    changes: Mapping[str, Mapping[str, object]] = {
        run.label: one.member.changes for run, one in zip(powers.runs, powers.ended, strict=True)
    }
    comparison = compare(powers.runs, RULE, varied=changes)

    write_comparison(tmp_path, comparison)

    with (tmp_path / "comparison.csv").open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert [row[POWER] for row in rows] == [str(run.varied[POWER]) for run in comparison.runs]
    assert [float(row["ablation_zone_volume [ml]"]) for row in rows] == [
        run.figures["ablation_zone_volume"] for run in comparison.runs
    ]
    data = json.loads((tmp_path / "comparison.json").read_text(encoding="utf-8"))
    assert [run["rank"] for run in data["runs"]] == [run.rank for run in comparison.runs]
    assert data["rule"] == RULE.text


def test_runs_of_different_patients_are_compared_and_it_is_said(powers: Swept, tmp_path: Path) -> None:
    patient = {"layers": {"by_height": [{"tissue": "kidney"}]}, "body_temperature": "37 degC"}
    run_plan(bench(patient=patient), PLAN, RunOptions(tmp_path, "coarse", pictures=False), Observed().listener)

    comparison = compare(finished_runs([powers.runs[0].folder, tmp_path / PLAN]), RULE, maps=tmp_path / "maps")

    assert {run.patient for run in comparison.runs} == {1, 2}
    assert any("2 different patients" in note for note in comparison.notes)
    assert comparison.differences == ()


def test_another_temperature_of_the_body_is_the_same_patient(powers: Swept, tmp_path: Path) -> None:
    warm = members_of(bench(), (), [parse_vary("patient.body_temperature=38 degC,")])
    (one,) = sweep(warm, RunOptions(tmp_path, "coarse", pictures=False), Observed().listener)

    runs = finished_runs([powers.runs[0].folder, tmp_path / one.member.folder])

    assert runs[0].patient == runs[1].patient


@pytest.mark.parametrize("status", ["interrupted", "failed"])
def test_a_half_finished_run_is_refused_in_one_line(powers: Swept, tmp_path: Path, status: str) -> None:
    folder = tmp_path / "half"
    shutil.copytree(powers.runs[0].folder, folder)
    result = json.loads((folder / FILE_NAME).read_text())
    (folder / FILE_NAME).write_text(json.dumps({**result, "status": status, "failure": "two\nlines"}))

    with pytest.raises(ImagioError) as refused:
        finished_runs([powers.runs[1].folder, folder])

    assert f"a run that is {status} (two lines)" in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_folder_without_runs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no run"):
        finished_runs([tmp_path])
    with pytest.raises(InputError, match="no such folder"):
        finished_runs([tmp_path / "nowhere"])


def test_a_folder_of_runs_stands_for_all_of_them(powers: Swept) -> None:
    assert len(finished_runs([powers.out])) == 3


def test_labels_are_what_tells_paths_apart() -> None:
    folders = [Path("/a/one/x"), Path("/a/two/x")]

    assert labels_of(folders) == ["one", "two"]
    assert labels_of([Path("/a/one/x"), Path("/b/one/x")]) == ["a", "b"]
    assert labels_of([Path("/a/one")]) == ["one"]
