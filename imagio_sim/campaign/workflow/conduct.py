# SPDX-License-Identifier: LGPL-3.0-or-later
"""A campaign from its file to its table: checked, started or gone on with, watched, collected."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from imagio_sim.campaign.folder import refuse_unusable
from imagio_sim.campaign.workflow.collection import collect
from imagio_sim.campaign.workflow.engine import Engine, check_engine, running
from imagio_sim.campaign.workflow.expansion import plan_campaign
from imagio_sim.campaign.workflow.manifest import FILE, JOBS, LOGS, Manifest, read_manifest, write_manifest
from imagio_sim.campaign.workflow.records import forget
from imagio_sim.campaign.workflow.standing import LOCK, Standing, standing_of
from imagio_sim.errors import InputError, Interrupted
from imagio_sim.occupancy import Occupant, occupied

_POLL = 1.0


def conduct(
    file: Path,
    folder: Path,
    engine: Engine,
    *,
    tell: Callable[[Standing], None],
    retry_failed: bool = False,
) -> Standing:
    """Run a campaign, or go on with it; where every run stands at the end.

    Parameters
    ----------
    tell
        Called every second while it runs.
    retry_failed
        Try again what has failed before.

    Raises
    ------
    InputError, InputErrors
        Before anything starts: everything that is wrong with the campaign and what it names, the folder or the engine.
    Interrupted
        By the user; jobs end at a checkpoint, and the same command goes on.
    """
    manifest = plan_campaign(file)
    _refuse_folder(folder, manifest)
    check_engine(engine)
    with occupied(folder / LOCK, on_wait=_refuse_occupant(folder)) as place:
        write_manifest(folder, manifest)
        if retry_failed:
            _forget_failures(folder)
        _require_jobs_of_unsettled_runs(folder, manifest)
        standing = standing_of(folder)
        with running(engine, folder) as poll:
            try:
                while poll() is None:
                    standing = standing_of(folder, standing.runs)
                    tell(standing)
                    place.beat()
                    time.sleep(_POLL)
            except KeyboardInterrupt as stop:
                raise Interrupted("stopped; the same command goes on where the runs are") from stop
        standing, _ = collect(folder)
        tell(standing)
    return replace(standing, by=None)


def last_words(folder: Path, count: int = 5) -> str:
    """The end of what the engine has said."""
    log = folder / LOGS / "engine.log"
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines() if log.exists() else []
    return " | ".join(line.strip() for line in lines if line.strip())[-200 * count :]


def _refuse_folder(folder: Path, manifest: Manifest) -> None:
    refuse_unusable(folder, nodes=0)
    if (folder / FILE).exists():
        name = read_manifest(folder).name
        if name != manifest.name:
            raise InputError(
                str(folder),
                found=f"the folder of the campaign {name!r}",
                allowed="a new folder, or that of the same campaign",
                remedy="choose another --out",
            )
    elif folder.is_dir() and (content := sorted(entry.name for entry in folder.iterdir() if entry.name != LOCK)):
        raise InputError(
            str(folder),
            found=f"a folder that no campaign has made (it holds {content[0]})",
            allowed="a new or empty folder, or that of the same campaign",
            remedy="choose another --out",
        )


def _refuse_occupant(folder: Path) -> Callable[[Occupant], None]:
    def refuse(other: Occupant) -> None:
        raise InputError(
            str(folder),
            found=f"a campaign that is being run there by {other.text}",
            allowed="one campaign in a folder at a time",
            remedy="wait for it (imagio campaign status), or choose another --out",
        )

    return refuse


def _forget_failures(folder: Path) -> None:
    for one in standing_of(folder).failed:
        forget(folder, one.run)


def _require_jobs_of_unsettled_runs(folder: Path, manifest: Manifest) -> None:
    """A job whose runs are not all settled is not done, whatever its mark says."""
    unsettled = {one.run.name for one in standing_of(folder).runs if one.state not in ("complete", "failed")}
    for job, runs in manifest.jobs.items():
        if any(run.name in unsettled for run in runs):
            (folder / JOBS / f"{job}.done").unlink(missing_ok=True)
