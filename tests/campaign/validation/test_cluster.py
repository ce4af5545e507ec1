# SPDX-License-Identifier: LGPL-3.0-or-later
"""Cases of the validation book as jobs of a real SLURM of one node."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from imagio_sim.campaign.validation.campaign import campaign_results
from imagio_sim.campaign.validation.case import read_cases
from imagio_sim.campaign.workflow.engine import Cluster, Engine
from tests.campaign.validation.test_book import run, written_book
from tests.campaign.workflow.one_node_cluster import OneNodeCluster, lacking, one_node_cluster

pytest.importorskip("snakemake_executor_plugin_slurm", reason="pip install 'imagio-sim[campaign]'")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        bool(lacking()),
        reason=f"no SLURM here ({lacking()}): environment/enter --layer slurm python3 -m pytest -m slow {__name__}",
    ),
]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OneNodeCluster]:
    with one_node_cluster(tmp_path_factory.mktemp("slurm"), cpus=2) as running:
        yield running


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
