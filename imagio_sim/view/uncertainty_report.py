# SPDX-License-Identifier: LGPL-3.0-or-later
"""How sure plans are, as a page that stands alone: intervals, probabilities, maps, and where the spread comes from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from imagio_sim.anatomy.model import Anatomy
from imagio_sim.anatomy.volume import Grid, Image
from imagio_sim.outcome.comparison import QUANTITIES
from imagio_sim.outcome.uncertainty import (
    Contribution,
    CorrectionCheck,
    Interval,
    PlanDifference,
    PlanUncertainty,
    Probability,
    ProbabilityMap,
)
from imagio_sim.view.page import embedded, rendered, write_page
from imagio_sim.view.planes import SOFT_TISSUE_WINDOW_HU
from imagio_sim.view.scene import NOTICE, TARGET_COLOUR

if TYPE_CHECKING:
    from markupsafe import Markup
    from matplotlib.axes import Axes

Floats = NDArray[np.float64]

TITLES = {one.key: one for one in QUANTITIES}
LEVELS = (0.05, 0.5, 0.95)
"""Probabilities of death whose lines are drawn."""
_NAMES = ("axial", "coronal", "sagittal")
# Which axes of the grid (LPS) run to the right and up in each plane, and which way is up.
_AXES = ((0, 1, True), (0, 2, False), (1, 2, False))
_MOST_ORIGINS = 12
WANTED = (
    *("minimal_ablative_margin", "target_mean_dose", "target_exposed", "ablation_zone_volume"),
    *("tumour_control", "collateral_volume"),
)
"""Figures whose spread is traced to where it comes from, those of which a plan has them; the first are shown."""
_MOST_RANKED = 3


@dataclass(frozen=True, eq=False)
class PlanPage:
    """What is known of a plan, and the picture of where tissue dies in it."""

    told: PlanUncertainty
    picture: Path

    @property
    def rows(self) -> list[tuple[str, list[str]]]:
        """Every figure with its percentiles as text."""
        return [(TITLES[key].heading, _texts(key, one)) for key, one in self.told.figures.items()]

    @property
    def ranked(self) -> list[tuple[str, list[Contribution], float]]:
        """What the planner's main figures come from, the strongest first, and the part that nobody has checked."""
        found = [key for key in WANTED if self.told.origins.get(key)]
        return [
            (TITLES[key].title, list(self.told.origins[key][:_MOST_ORIGINS]), self.told.unchecked[key])
            for key in found[:_MOST_RANKED]
        ]

    @property
    def checks(self) -> list[tuple[str, str, CorrectionCheck]]:
        """How well the correction does: figure, unit, and what was found."""
        return [(TITLES[key].title, TITLES[key].unit, one) for key, one in self.told.checks.items()]


def _texts(key: str, one: Interval) -> list[str]:
    digits = TITLES[key].digits
    return ["–" if value is None else f"{value:.{digits}f}" for value in (one.nominal, one.low, one.median, one.high)]


def difference_rows(one: PlanDifference) -> list[tuple[str, list[str], Probability | None]]:
    """Every figure of a difference of plans: heading, percentiles, and how likely the first is better."""
    return [(TITLES[key].heading, _texts(key, found), one.better.get(key)) for key, found in one.figures.items()]


def write_uncertainty_page(
    path: Path,
    *,
    title: str,
    question: str,
    plans: Sequence[PlanPage],
    differences: Sequence[PlanDifference],
    asked: Mapping[str, str],
) -> None:
    """Write the page; ``asked`` are lines on how the sample was drawn."""
    sections = uncertainty_sections(plans, differences)
    write_page(path, rendered("uncertainty.html.j2", title=title, question=question, sections=sections, asked=asked))


def uncertainty_sections(plans: Sequence[PlanPage], differences: Sequence[PlanDifference]) -> Markup:
    """The part of a page that says how sure plans are, and how sure it is which is better."""
    from markupsafe import Markup

    text = rendered(
        "uncertainty_sections.html.j2",
        plans=plans,
        differences=[(one, difference_rows(one)) for one in differences],
        pictures={one.told.plan: embedded(one.picture) for one in plans},
    )
    return Markup(text)


def draw_probability(path: Path, title: str, zone: ProbabilityMap, anatomy: Anatomy) -> None:
    """Write a PNG with the probability of death in three planes through the middle of target (or zone)."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(15.0, 6.0), facecolor="white")
    FigureCanvasAgg(figure)
    figure.suptitle(title, x=0.01, y=0.975, ha="left", fontsize=15, fontweight="bold")
    figure.text(0.99, 0.955, NOTICE, ha="right", fontsize=10.5, color="#555555")
    middle = _middle(zone, anatomy)
    shown = None
    for number, (across, up, downwards) in enumerate(_AXES):
        axes = figure.add_axes((0.01 + 0.33 * number, 0.14, 0.32, 0.74))
        points, share, extent = _plane(zone, middle, across, up)
        axes.imshow(_background(anatomy, points), cmap="gray", extent=extent, origin="lower", vmin=0.0, vmax=1.0)
        visible = np.where(share < 0.5 * LEVELS[0], np.nan, share)
        shown = axes.imshow(visible, cmap="inferno", alpha=0.6, extent=extent, origin="lower", vmin=0.0, vmax=1.0)
        _draw_lines(axes, share, extent)
        inside = _target(anatomy, points)
        if inside.any() and not inside.all():
            axes.contour(inside, levels=[0.5], colors=TARGET_COLOUR, linewidths=2.0, extent=extent, origin="lower")
        if downwards:
            axes.invert_yaxis()
        axes.set_title(_NAMES[number], fontsize=11)
        axes.set_axis_off()
    assert shown is not None
    bar = figure.colorbar(shown, cax=figure.add_axes((0.25, 0.075, 0.5, 0.025)), orientation="horizontal")
    bar.set_label("share of the members in which tissue is dead; lines at 5, 50 and 95 %; yellow: target")
    figure.savefig(path, dpi=110, format="png")


def _middle(zone: ProbabilityMap, anatomy: Anatomy) -> NDArray[np.int64]:
    """Voxel (3,) of the map in the middle of the target, or of where death is most likely."""
    surface = anatomy.target_surface()
    if surface is not None:
        points = np.asarray(surface.points_mm)
        index = zone.grid.to_index(0.5 * (points.min(axis=0) + points.max(axis=0))[None])[0]
    else:
        index = np.argwhere(zone.share >= max(zone.share.max(), 1e-12)).mean(axis=0)
    return np.asarray(np.clip(np.round(index).astype(np.int64), 0, np.array(zone.share.shape) - 1))


def _plane(
    zone: ProbabilityMap, middle: NDArray[np.int64], across: int, up: int
) -> tuple[Floats, Floats, tuple[float, float, float, float]]:
    """Points (rows, columns, 3) of a plane of the map, its values (rows, columns), and its extent [mm]."""
    shape, grid = zone.share.shape, zone.grid
    rows, columns = np.indices((shape[up], shape[across]))
    index = np.broadcast_to(middle, (*rows.shape, 3)).copy()
    index[..., across], index[..., up] = columns, rows
    points = grid.to_lps(index.reshape(-1, 3).astype(float)).reshape(index.shape)
    share = zone.share[tuple(np.moveaxis(index, -1, 0))]
    half = 0.5 * grid.spacing_mm
    left, right = points[0, 0, across] - half[across], points[0, -1, across] + half[across]
    return points, share, (left, right, points[0, 0, up] - half[up], points[-1, 0, up] + half[up])


def _draw_lines(axes: Axes, share: Floats, extent: tuple[float, float, float, float]) -> None:
    crossed = [level for level in LEVELS if share.min() < level < share.max()]
    if crossed:
        axes.contour(share, levels=crossed, colors="white", linewidths=1.2, extent=extent, origin="lower")


def _background(anatomy: Anatomy, points_mm: Floats) -> Floats:
    """Image in the window of soft tissue, or labels as steps of grey, from 0 to 1 (rows, columns)."""
    flat = points_mm.reshape(-1, 3)
    if anatomy.image is None:
        labels = anatomy.label_at(flat).reshape(points_mm.shape[:2])
        return np.asarray(0.3 + 0.4 * (labels % 5) / 5.0 * (labels > 0))
    low, high = SOFT_TISSUE_WINDOW_HU
    values = _values_at(anatomy.image, anatomy.image.grid, flat).reshape(points_mm.shape[:2])
    return np.asarray(np.clip((values - low) / (high - low), 0.0, 1.0))


def _values_at(image: Image, grid: Grid, points_mm: Floats) -> Floats:
    voxel, inside = grid.nearest(points_mm)
    return np.where(inside, image.values[tuple(voxel.T)], -np.inf)


def _target(anatomy: Anatomy, points_mm: Floats) -> NDArray[np.bool_]:
    """Whether points (rows, columns, 3) carry the target's label."""
    if anatomy.target is None:
        return np.zeros(points_mm.shape[:2], dtype=bool)
    numbers = [number for number, name in anatomy.labels.names.items() if name == anatomy.target]
    labels = anatomy.label_at(points_mm.reshape(-1, 3)).reshape(points_mm.shape[:2])
    return np.asarray(np.isin(labels, numbers))
