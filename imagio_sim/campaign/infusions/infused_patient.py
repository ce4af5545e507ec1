# SPDX-License-Identifier: LGPL-3.0-or-later
"""The patient as one infusion finds him: organ, target and territory as masks on a working grid, and what stays where.

Here the scenario's names, files and frames become voxels; faults that only show in the patient are refused here, with
their place in the scenario.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from imagio_sim.anatomy.capsule import filled_organ
from imagio_sim.anatomy.centre_lines import FileLine, read_centre_lines
from imagio_sim.anatomy.model import Anatomy
from imagio_sim.anatomy.read import read_image
from imagio_sim.anatomy.volume import Image
from imagio_sim.delivery.artery_tree import ArteryTree, CentreLineOfArtery, tree_of_label, tree_of_lines
from imagio_sim.delivery.clusters import Census, ClusterSizes, clustered
from imagio_sim.delivery.deposition import Deposition, deposited_by_flow, deposited_by_image
from imagio_sim.delivery.territory import (
    Territory,
    territory_of_ball,
    territory_of_catheter,
    territory_of_image,
    territory_of_mask,
)
from imagio_sim.delivery.working_grid import CLUSTERED_MM, COARSEST_MM, WorkingGrid
from imagio_sim.errors import InputError
from imagio_sim.plan import Scenario, input_files, to_lps
from imagio_sim.plan.infusions import ArterialInfusion
from imagio_sim.plan.infusions.territory import (
    ArteryLabel,
    ArteryLines,
    BallTerritory,
    CatheterTerritory,
    ImageTerritory,
    LabelTerritory,
)
from imagio_sim.plan.markup import LPS_FROM_RAS
from imagio_sim.plan.model import nearest

Mask = NDArray[np.bool_]

TUMOUR_TO_NORMAL = "tumour_to_normal_ratio"
"""Constant that stands in where a scenario gives no ratio."""
CLUSTER_EXPONENT, LARGEST_CLUSTER = "cluster_exponent", "largest_cluster"
"""Constants of the sizes of clusters."""

_MILLIMETRES = {"mm": 1.0, "cm": 10.0, "m": 1000.0}
_MEGABECQUERELS = {"Bq/ml": 1e-6, "kBq/ml": 1e-3, "MBq/ml": 1.0}


class InfusedPatient:
    """Masks (i, j, k) on a working grid, for one infusion.

    Attributes
    ----------
    grid
        The working grid.
    target, organ, tumour
        The target; what the artery feeds, target included; and the part of it that takes up as tumours do.
    """

    def __init__(
        self, scenario: Scenario, anatomy: Anatomy, *, plan_name: str, stage: int, infusion: ArterialInfusion
    ) -> None:
        self._scenario, self._anatomy, self._infusion = scenario, anatomy, infusion
        stages = scenario.plan(plan_name).stages
        here = f"infusions[{stages[stage].infusions.index(infusion)}]"
        self._place = f"plans.{plan_name}.stages[{stage}].{here}"
        self._shown_place = self._place if len(stages) > 1 else f"plans.{plan_name}.{here}"
        self._labels = anatomy.labels.labels if anatomy.underlying is None else anatomy.underlying
        organ = self._labelled(infusion.organ, "organ") | anatomy.target_mask()
        self._reached_labels = self._territory_labels()
        if self._reached_labels is not None:
            organ |= self._reached_labels
        coarsest_mm = COARSEST_MM if infusion.deposition == "smooth" else CLUSTERED_MM
        self._working = WorkingGrid.around(organ, anatomy.labels.grid, coarsest_mm=coarsest_mm)
        self.grid = self._working.grid
        self.target = self._target()
        self.organ = self._working.mask(organ) | self.target
        self.tumour = (self._working.mask(anatomy.mask_of_role("tumour")) & self.organ) | self.target

    def _where(self, *keys: str) -> str:
        """A place in the infusion as errors write it: a plan of one stage is written without the list."""
        return f"{self._scenario.origin}: {'.'.join((self._shown_place, *keys))}"

    def _labelled(self, names: Sequence[str], *keys: str) -> Mask:
        """Voxels (i, j, k) of the segmentation with one of these labels, each of which has to have some."""
        known = list(self._anatomy.labels.names.values())
        numbers: list[int] = []
        for name in names:
            if name not in known:
                raise InputError(
                    self._where(*keys),
                    found=f"no label {name!r}",
                    allowed=f"one of {', '.join(known) or 'no label: this patient has none'}",
                    remedy=nearest(name, known, "imagio anatomy FILE lists the labels"),
                )
            own = [number for number, label in self._anatomy.labels.names.items() if label == name]
            if not np.isin(self._labels, own).any() and name != self._anatomy.target:
                raise InputError(
                    self._where(*keys),
                    found=f"label {name!r} without a voxel",
                    allowed="a label of at least one voxel",
                    remedy="check the segmentation, and which label wins where several overlap",
                )
            numbers += own
        return np.asarray(np.isin(self._labels, numbers))

    def _territory_labels(self) -> Mask | None:
        territory = self._infusion.territory
        if not isinstance(territory, LabelTerritory):
            return None
        reached = self._labelled(territory.labels, "territory", "labels")
        names_target = self._anatomy.target in territory.labels
        return reached | self._anatomy.target_mask() if names_target else reached

    def _target(self) -> Mask:
        """The target: its voxels, or for a virtual lesion its exact shape, through which vessels run."""
        lesion = self._anatomy.lesion
        if lesion is None:
            return self._working.mask(self._anatomy.target_mask())
        index = np.indices(self.grid.shape).reshape(3, -1).T
        within = lesion.contains(self.grid.to_lps(index.astype(float))).reshape(self.grid.shape)
        return np.asarray(within & ~self._working.mask(self._anatomy.mask_of_role("vessel")))

    def territory(self) -> Territory:
        """Which tissue is reached."""
        asked, place = self._infusion.territory, self._where("territory")
        if self._reached_labels is not None:
            return territory_of_mask(self._working.mask(self._reached_labels), self.grid, where=place)
        if isinstance(asked, BallTerritory):
            centre = to_lps(asked.sphere.centre, self._scenario.frame)
            return territory_of_ball(centre, asked.sphere.diameter, self.organ, self.grid, where=place)
        if isinstance(asked, ImageTerritory):
            return self._by_image(asked)
        assert isinstance(asked, CatheterTerritory)
        tree = self._tree(asked.arteries)
        inclusions = self._anatomy.mask_of_role("vessel") | self._anatomy.mask_of_role("bile")
        passable = filled_organ(self.organ, self._working.mask(inclusions), self.grid.spacing_mm)
        tip = to_lps(asked.catheter, self._scenario.frame)
        where = self._where("territory", "catheter")
        return territory_of_catheter(tree, tip, self.organ, passable, self.grid, where=where)

    def _by_image(self, asked: ImageTerritory) -> Territory:
        image, place = self._image(), self._where("territory", "image")
        is_activity = asked.unit in _MEGABECQUERELS
        found = territory_of_image(image, asked.threshold, self.organ, self.grid, where=place, is_activity=is_activity)
        if not is_activity:
            return found
        per_value = _MEGABECQUERELS[asked.unit] * image.grid.voxel_volume_mm3 * 1e-3
        total = float(np.maximum(image.values, 0.0).sum(dtype=float)) * per_value
        return replace(found, facts={**found.facts, "image_activity_MBq": total})

    def _image(self) -> Image:
        """The image of uptake; refused in another DICOM frame of reference, or beside a ratio it shows itself."""
        if self._infusion.tumour_to_normal is not None:
            raise InputError(
                self._where("tumour_to_normal"),
                found=f"{self._infusion.tumour_to_normal:g} beside an image of the uptake",
                allowed="one of them",
                remedy="leave it out: the image shows what the tumour took up",
            )
        image = read_image(input_files(self._scenario)[f"{self._place}.territory.image"])
        own = "" if self._anatomy.image is None else self._anatomy.image.frame_of_reference
        if own and image.frame_of_reference and image.frame_of_reference != own:
            raise InputError(
                self._where("territory", "image"),
                found=f"frame of reference {image.frame_of_reference}",
                allowed=f"that of the patient's image, {own}",
                remedy="register the image to the patient's image",
            )
        return image

    def _tree(self, arteries: ArteryLabel | ArteryLines) -> ArteryTree:
        if isinstance(arteries, ArteryLabel):
            mask = self._labelled((arteries.label,), "territory", "arteries", "label")
            inlet = None if arteries.inlet is None else to_lps(arteries.inlet, self._scenario.frame)
            where = self._where("territory", "arteries", "label")
            return tree_of_label(mask, self._anatomy.labels.grid, inlet_mm=inlet, where=where)
        where = self._where("territory", "arteries", "centre_lines")
        path = input_files(self._scenario)[f"{self._place}.territory.arteries.centre_lines"]
        wanted = () if arteries.radius_array is None else (arteries.radius_array,)
        lines = [_artery(line, arteries) for line in read_centre_lines(path, wanted, where=where)]
        return tree_of_lines(lines, where=where)

    def deposition(self, territory: Territory) -> tuple[Deposition, Census | None]:
        """What stays where, and of what is drawn in clusters the census."""
        smooth, infusion = self._smooth(territory), self._infusion
        if infusion.deposition == "smooth":
            return smooth, None
        constants = self._scenario.law_constants()
        sizes = ClusterSizes(constants[CLUSTER_EXPONENT].value, round(constants[LARGEST_CLUSTER].value))
        assert infusion.seed is not None  # a plan asks for it
        return clustered(smooth, infusion.particle_count(self._scenario.pharmacy), sizes, seed=infusion.seed)

    def _smooth(self, territory: Territory) -> Deposition:
        """What stays where: as an image shows it, or with the arterial blood."""
        infusion, lung = self._infusion, self._infusion.lung_shunt
        if territory.uptake is not None:
            return deposited_by_image(
                territory.grid, territory.uptake, unseen_share=territory.unseen_share, lung_share=lung
            )
        library = self._scenario.law_constants()[TUMOUR_TO_NORMAL].value
        ratio = library if infusion.tumour_to_normal is None else infusion.tumour_to_normal
        return deposited_by_flow(territory, self.tumour, ratio, lung_share=lung)


def fed_tissues(anatomy: Anatomy, infusion: ArterialInfusion) -> frozenset[str]:
    """Tissues of the labels that an infusion may reach: its organ, its territory's labels, and the target."""
    named = infusion.territory.labels if isinstance(infusion.territory, LabelTerritory) else ()
    target = () if anatomy.target is None else (anatomy.target,)
    return frozenset(anatomy.tissues[label].tissue for label in (*infusion.organ, *named, *target))


def _artery(line: FileLine, arteries: ArteryLines) -> CentreLineOfArtery:
    """A line of a file in LPS mm."""
    scale = _MILLIMETRES[arteries.length_unit]
    points = line.points * scale * (LPS_FROM_RAS if arteries.frame == "RAS" else 1.0)
    given = None if arteries.radius_array is None else line.arrays[arteries.radius_array] * scale
    return CentreLineOfArtery(points, np.zeros(len(points)) if given is None else given)
