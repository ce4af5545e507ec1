# SPDX-License-Identifier: LGPL-3.0-or-later
"""``imagio mesh``: the mesh of a plan, with its quality, in the formats that other programs read."""

from __future__ import annotations

import enum
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from imagio_sim.meshing.patient import PatientMesh


class MeshResolution(enum.StrEnum):
    """How fine."""

    coarse = "coarse"
    normal = "normal"
    fine = "fine"


def mesh(
    scenario: Annotated[Path, typer.Argument(help="Scenario file (YAML).", show_default=False)],
    plan: Annotated[str | None, typer.Option(help="Name of the plan; the first where left out.")] = None,
    stage: Annotated[int, typer.Option(min=0, help="Number of the stage, from 0.")] = 0,
    resolution: Annotated[MeshResolution | None, typer.Option(help="Of the mesh; default: the scenario's.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="File to write; its suffix decides the format (.vtu, .msh, .xdmf ...).")
    ] = None,
) -> None:
    """Mesh a scenario and report the quality of the mesh; with --out write it with its tissue tags."""
    from rich.console import Console

    from imagio_sim.campaign.geometry import as_solved, mesh_recipe, read_anatomy
    from imagio_sim.meshing.patient import mesh_patient
    from imagio_sim.meshing.write import check_suffix, write_mesh
    from imagio_sim.plan import load_scenario

    if out is not None:
        check_suffix(out)
    loaded = load_scenario(scenario)
    patient = read_anatomy(loaded)
    chosen = resolution.value if resolution else loaded.solver.resolution
    recipe = mesh_recipe(loaded, plan or next(iter(loaded.plans)), patient, stage=stage, resolution=chosen)
    made = mesh_patient(as_solved(loaded, recipe), patient, on_progress=_say)
    for warning in made.warnings:
        sys.stderr.write(f"warning: {warning}\n")
    show(made, Console(highlight=False))
    if out is not None:
        legend = write_mesh(made.domain, made.sampled, out)
        typer.echo(f"{out}, its tags in {legend}")


def _say(step: str) -> None:
    sys.stderr.write(f"{step}\n")


def show(made: PatientMesh, console: Console) -> None:
    """Print counts, quality, sizes, surfaces and tissues."""
    from rich.table import Table

    from imagio_sim.meshing.quality import quality_report

    domain, sampled = made.domain, made.sampled
    report = quality_report(domain)
    origin = "from the cache" if made.from_cache else "made"
    kind = "triangles" if domain.axisymmetric else "tetrahedra"
    console.print(f"{report.nodes} nodes, {report.cells} {kind}, {origin} in {made.seconds:.1f} s")
    console.print(f"quality (SICN): minimum {report.minimum_quality:.3f}, median {report.median_quality:.3f}")
    sizes = Table("cell size (mm)", "cells")
    for lower, upper, count in zip(
        report.size_edges_mm[:-1], report.size_edges_mm[1:], report.size_counts, strict=True
    ):
        sizes.add_row(f"{lower:.2f} to {upper:.2f}", str(count))
    surfaces = Table("surface", "facets", "area (mm2)")
    for name, facets in domain.surfaces.items():
        surfaces.add_row(name, str(len(facets)), f"{domain.facet_areas_mm2(facets).sum():.1f}")
    tissues = Table("tissue", "volume (ml)")
    for name, volume in zip(sampled.tissues, domain.cell_volumes_mm3 @ sampled.fractions, strict=True):
        tissues.add_row(name, f"{volume / 1000.0:.2f}")
    for table in (sizes, surfaces, tissues):
        console.print(table)
