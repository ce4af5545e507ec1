# SPDX-License-Identifier: LGPL-3.0-or-later
"""Cases of the validation book as jobs of a real SLURM of one node."""

from __future__ import annotations

from pathlib import Path

import pytest

from imagio_sim.campaign.validation.campaign import campaign_results
from imagio_sim.campaign.validation.case import read_cases
from imagio_sim.campaign.workflow.engine import Cluster, Engine
from tests.campaign.validation.test_book import run, written_book
from tests.campaign.workflow.one_node_cluster import OneNodeCluster, needs_cluster

pytestmark = needs_cluster(__name__)


def test_a_case_on_a_cluster_comes_to_what_it_comes_to_here(
    cluster: OneNodeCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in cluster.environment.items():
        monkeypatch.setenv(name, value)
    book = written_book(tmp_path)

    ((_, found),) = campaign_results(
        book, list(read_cases(book).values()), tmp_path / "campaign", Engine(cluster=Cluster())
    )

    assert found.verdicts == run(book).verdicts
    assert "COMPLETED" in cluster.ask("scontrol", "show", "jobs")
