# SPDX-License-Identifier: LGPL-3.0-or-later
"""The patient: one labelled volume, what each label is made of, and rules for what carries no label."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imagio_sim.anatomy.capsule import filled_organ
from imagio_sim.anatomy.fluid import InjectedFluid, ellipsoid_voxels, with_fluids
from imagio_sim.anatomy.labelling import LabelledTissue, resolve_tissues
from imagio_sim.anatomy.lattice import image_on
from imagio_sim.anatomy.layers import Layers
from imagio_sim.anatomy.lesion import VirtualLesion
from imagio_sim.anatomy.smooth_surface import organ_blur_mm, smooth_surface, vessel_blur_mm
from imagio_sim.anatomy.volume import ClosedSurface, Image, LabelVolume
from imagio_sim.errors import InputError

TARGET = "target"
"""Label name under which a virtual lesion is painted."""
CUT = "cut"
"""The rule for what lies beyond the image that ends the region at its border."""
NOWHERE = -1
"""Tissue index of what was cut away."""


@dataclass(frozen=True)
class HounsfieldRange:
    """Unlabelled voxels with ``lower_hu`` <= HU < ``upper_hu`` are of this tissue."""

    lower_hu: float
    upper_hu: float
    tissue: str


UnlabelledRule = str | tuple[HounsfieldRange, ...] | Layers


def _tissues_of_rule(rule: UnlabelledRule) -> tuple[str, ...]:
    """Tissues that a rule for what is unlabelled may give."""
    if isinstance(rule, str):
        return (rule,)
    return rule.tissues if isinstance(rule, Layers) else tuple(one.tissue for one in rule)


@dataclass(frozen=True, eq=False)
class Anatomy:
    """The patient as the simulation sees it; made by :func:`build_anatomy`.

    Attributes
    ----------
    labels
        One label per voxel (LPS mm); a virtual lesion is painted in as ``target``.
    tissues
        Tissue and role by label name.
    unlabelled_rule
        Tissue of voxels without a label: one for all, by ranges of Hounsfield units, or by layers, which go on beyond
        the voxels.
    outside
        Tissue of what lies beyond the image, or ``cut``.
    target
        Label name of the target; None for a bench experiment without one.
    lesion
        The target's exact shape where it is a virtual lesion.
    underlying
        Labels (i, j, k) as they were before the lesion was painted in.
    image
        The image on the labels' grid, if there is one.
    perfusion
        A perfusion image on the labels' grid, if there is one.
    where
        The scenario and the path in it that this came from, for messages.
    """

    labels: LabelVolume
    tissues: Mapping[str, LabelledTissue]
    unlabelled_rule: UnlabelledRule
    outside: str
    target: str | None
    lesion: VirtualLesion | None = None
    underlying: NDArray[np.int32] | None = None
    image: Image | None = None
    perfusion: Image | None = None
    where: str = "anatomy"

    @cached_property
    def tissue_names(self) -> tuple[str, ...]:
        """Every tissue that can occur, sorted; ``tissue_index`` counts in it."""
        ruled = _tissues_of_rule(self.unlabelled_rule)
        outside = [] if self.outside == CUT else [self.outside]
        return tuple(sorted({labelled.tissue for labelled in self.tissues.values()} | {*ruled, *outside}))

    @cached_property
    def unlabelled(self) -> NDArray[np.bool_]:
        """Voxels (i, j, k) without a label."""
        return np.asarray(self.labels.labels == 0)

    @cached_property
    def tissue_index(self) -> NDArray[np.int16]:
        """Tissue of each voxel (i, j, k), as an index into ``tissue_names``; unlabelled voxels follow the rule."""
        return self._tissues_of(self.labels.labels, np.s_[:, :, :])

    def _tissues_of(self, labels: NDArray[np.int32], where: Any) -> NDArray[np.int16]:
        """Tissue index of these labels, which lie at the voxels ``where`` (anything that indexes the volume)."""
        table = np.zeros(max(self.labels.names, default=0) + 1, dtype=np.int16)
        for number, name in self.labels.names.items():
            table[number] = self.tissue_names.index(self.tissues[name].tissue)
        index = table[labels]
        blank = labels == 0
        if isinstance(self.unlabelled_rule, str):
            index[blank] = self.tissue_names.index(self.unlabelled_rule)
        elif isinstance(self.unlabelled_rule, Layers):
            voxels = np.indices(self.labels.grid.shape)[(slice(None), *where)][:, blank].T
            index[blank] = self._tissues_by_layer(self.unlabelled_rule, self.labels.grid.to_lps(voxels.astype(float)))
        elif blank.any():
            index[blank] = self._tissues_by_hounsfield(self.unlabelled_rule, self._require_image().values[where][blank])
        return index

    def _tissues_by_layer(self, layers: Layers, points_mm: NDArray[np.float64]) -> NDArray[np.int16]:
        """Tissue index (n,) of the layers at points (n, 3) in LPS mm."""
        numbers = [self.tissue_names.index(tissue) for tissue in layers.tissues]
        return np.array(numbers, dtype=np.int16)[layers.numbers_at(points_mm)]

    def _require_image(self) -> Image:
        """Image that rules by Hounsfield units need."""
        if self.image is None:
            raise InputError(
                f"{self.where}.unlabelled",
                found="rules by Hounsfield units without an image",
                allowed="an image on the labels' grid, or one tissue",
                remedy="name the CT, or one tissue for all unlabelled voxels",
            )
        return self.image

    def _tissues_by_hounsfield(
        self, rules: tuple[HounsfieldRange, ...], values: NDArray[np.float32]
    ) -> NDArray[np.int16]:
        """Tissue index by Hounsfield units (n,); values under no rule are refused."""
        index = np.full(values.shape, NOWHERE, dtype=np.int16)
        for rule in rules:
            index[(values >= rule.lower_hu) & (values < rule.upper_hu)] = self.tissue_names.index(rule.tissue)
        require_covered(values, index, where=f"{self.where}.unlabelled")
        return index

    def sample(self, points_mm: NDArray[np.float64]) -> tuple[NDArray[np.int16], NDArray[np.bool_], NDArray[np.bool_]]:
        """Look up what lies at points (n, 3) in LPS mm.

        Returns
        -------
        tissue_index
            Index into ``tissue_names`` (n,): that of the voxel around the point, but a virtual lesion by its exact
            shape; -1 beyond the image where ``outside`` is ``cut``.
        unlabelled, outside
            Whether the point (n,) lies in a voxel without a label, or beyond the image.
        """
        voxel, inside = self.labels.grid.nearest(points_mm)
        at = tuple(voxel.T)
        index, unlabelled = self.tissue_index[at], self.unlabelled[at]
        if self.lesion is not None and self.underlying is not None:
            self._sample_lesion(self.lesion, self.underlying, points_mm, at, index, unlabelled)
        if isinstance(self.unlabelled_rule, Layers):
            layered = self._tissues_by_layer(self.unlabelled_rule, points_mm)
            return np.where(unlabelled | ~inside, layered, index), unlabelled & inside, ~inside
        beyond = NOWHERE if self.outside == CUT else self.tissue_names.index(self.outside)
        return np.where(inside, index, beyond).astype(np.int16), unlabelled & inside, ~inside

    def _sample_lesion(
        self,
        lesion: VirtualLesion,
        underlying: NDArray[np.int32],
        points_mm: NDArray[np.float64],
        at: tuple[NDArray[np.int64], ...],
        index: NDArray[np.int16],
        unlabelled: NDArray[np.bool_],
    ) -> None:
        """Correct samples around a lesion from its voxels to its exact shape; vessels run through it."""
        labels = underlying[at]
        exact = lesion.contains(points_mm) & ~np.isin(labels, self._numbers_of_role("vessel"))
        index[exact] = self.tissue_names.index(lesion.tissue)
        over = ~exact & np.isin(self.labels.labels[at], self.labels.numbers(TARGET))
        index[over] = self._tissues_of(labels[over], tuple(axis[over] for axis in at))
        unlabelled |= over & (labels == 0)
        unlabelled &= ~exact

    def label_at(self, points_mm: NDArray[np.float64]) -> NDArray[np.int32]:
        """Label number (n,) of the voxel around each point (n, 3); 0 where unlabelled or beyond the image."""
        voxel, inside = self.labels.grid.nearest(points_mm)
        i, j, k = voxel.T
        return np.where(inside, self.labels.labels[i, j, k], 0).astype(np.int32)

    def _numbers_of_role(self, role: str) -> list[int]:
        return [number for number, name in self.labels.names.items() if self.tissues[name].role == role]

    def mask_of_role(self, role: str) -> NDArray[np.bool_]:
        """Voxels (i, j, k) of every label with this role."""
        return np.isin(self.labels.labels, self._numbers_of_role(role))

    def target_mask(self) -> NDArray[np.bool_]:
        """Voxels (i, j, k) of the target; none without one."""
        return np.zeros(self.labels.grid.shape, dtype=bool) if self.target is None else self.labels.mask(self.target)

    def target_surface(self) -> ClosedSurface | None:
        """Target's smooth closed surface: the exact lesion, the surface it was read from, or one around its label."""
        return None if self.target is None else self.label_surface(self.target)

    def label_surface(self, name: str) -> ClosedSurface:
        """Smooth closed surface of a label; the surface it was read from where there is one."""
        if name == self.target and self.lesion is not None:
            return self.lesion.surface()
        if name in self.labels.surfaces:
            return self.labels.surfaces[name]
        blur = vessel_blur_mm if self.tissues[name].role in ("vessel", "bile") else organ_blur_mm
        grid = self.labels.grid
        return smooth_surface(self.labels.mask(name), grid, blur_mm=blur(grid), where=f"label {name!r}")

    def vessel_surfaces(self) -> dict[str, ClosedSurface]:
        """Surface of every label with role ``vessel`` that has voxels, by its name."""
        names = (self.labels.names[number] for number in self._numbers_of_role("vessel"))
        return {name: self.label_surface(name) for name in names if self.labels.mask(name).any()}

    def target_touches_organ(self) -> bool:
        """Whether any voxel of the organ borders on the target; a tumour of another organ has nothing to do with it."""
        from scipy import ndimage

        around = ndimage.binary_dilation(self.target_mask(), ndimage.generate_binary_structure(3, 3))
        return bool((around & self.mask_of_role("organ")).any())

    def organ_capsule(self) -> ClosedSurface | None:
        """Outer surface of the organ with all that is in it (tumours, vessels), or None without an organ.

        The surface the organ was read from, else one around the organ's voxels together with those of target, tumours,
        vessels, ducts and cysts that a closing finds inside.
        """
        organs = self._numbers_of_role("organ")
        if len(organs) == 1 and self.labels.names[organs[0]] in self.labels.surfaces:
            return self.labels.surfaces[self.labels.names[organs[0]]]
        organ = self.mask_of_role("organ")
        if not organ.any():
            return None
        solid = organ | self.mask_of_role("tumour") | self.target_mask()
        filled = filled_organ(solid, self._possible_inclusions(), self.labels.grid.spacing_mm)
        return smooth_surface(filled, self.labels.grid, blur_mm=organ_blur_mm(self.labels.grid), where="organ capsule")

    def _possible_inclusions(self) -> NDArray[np.bool_]:
        """Voxels (i, j, k) of vessels, ducts and cysts, which may lie within the organ or beyond it."""
        cysts = [n for n, name in self.labels.names.items() if self.tissues[name].tissue == "water"]
        numbers = [*self._numbers_of_role("vessel"), *self._numbers_of_role("bile"), *cysts]
        return np.isin(self.labels.labels, numbers)


def build_anatomy(
    labels: LabelVolume,
    *,
    pack: str | None,
    overrides: Mapping[str, str],
    unlabelled: UnlabelledRule,
    outside: str,
    target: str | VirtualLesion | None,
    image: Image | None = None,
    perfusion: Image | None = None,
    fluids: Sequence[InjectedFluid] = (),
    substitutes: Mapping[str, str] | None = None,
    where: str = "anatomy",
) -> Anatomy:
    """Patient from what was read and what the scenario says; everything that does not fit is refused here.

    Parameters
    ----------
    pack, overrides
        Organ pack, and tissue by label name where the scenario says otherwise.
    unlabelled, outside
        Tissue of label 0 (or tissues by Hounsfield units, which needs the image); tissue beyond the image or ``cut``.
    target
        A label name, or a lesion to paint in; None for a patient without a target.
    image, perfusion
        On the labels' grid and in their frame of reference, or refused.
    fluids
        Injected to separate organs: painted over all labels but the target.
    substitutes
        Tissue that the organ pack names to the one it is in this patient.
    where
        Named in errors: the scenario file and the path of its anatomy.
    """
    tissues = resolve_tissues(
        labels.names.values(),
        pack=pack,
        overrides=overrides,
        meanings=labels.meanings,
        substitutes=substitutes,
        where=f"{where}.tissues",
    )
    if fluids:
        spared = _target_voxels(labels, target)
        labels, tissues = with_fluids(labels, tissues, fluids, spared=spared, where=f"{where}.fluids")
    name = TARGET if isinstance(target, VirtualLesion) else target
    lesion = target if isinstance(target, VirtualLesion) else None
    underlying = None if lesion is None else labels.labels
    if lesion is not None:
        labels, tissues = with_lesion(labels, tissues, lesion, where=f"{where}.target")
    if name is not None:
        require_target(labels, name, where=f"{where}.target")
    placed = None if image is None else image_on(image, labels.grid)
    flow = None if perfusion is None else image_on(_of_same_frame(perfusion, image), labels.grid)
    anatomy = Anatomy(labels, tissues, unlabelled, outside, name, lesion, underlying, placed, flow, where)
    # Evaluated now (and kept), so that rules that do not fit the image are refused before anything is computed.
    _ = anatomy.tissue_index
    return anatomy


def _target_voxels(labels: LabelVolume, target: str | VirtualLesion | None) -> NDArray[np.bool_]:
    """Voxels (i, j, k) that a target takes."""
    if target is None:
        return np.zeros(labels.grid.shape, dtype=bool)
    return labels.mask(target) if isinstance(target, str) else ellipsoid_voxels(target, labels)


def _of_same_frame(perfusion: Image, image: Image | None) -> Image:
    """Refuse a perfusion image whose DICOM frame of reference is not that of the patient's image."""
    frames = (perfusion.frame_of_reference, "" if image is None else image.frame_of_reference)
    if all(frames) and frames[0] != frames[1]:
        raise InputError(
            perfusion.origin,
            found=f"frame of reference {frames[0]}",
            allowed=f"that of the patient's image, {frames[1]}",
            remedy="register the perfusion image to the patient's image",
        )
    return perfusion


def with_lesion(
    labels: LabelVolume, tissues: Mapping[str, LabelledTissue], lesion: VirtualLesion, *, where: str
) -> tuple[LabelVolume, dict[str, LabelledTissue]]:
    """Labels and tissues with the lesion painted over everything but vessels, which stay patent."""
    if TARGET in labels.names.values():
        raise InputError(
            where,
            found=f"a virtual lesion beside a label named {TARGET!r}",
            allowed="one target",
            remedy="name the label as the target, or rename it",
        )
    vessels = [number for number, name in labels.names.items() if tissues[name].role == "vessel"]
    number = max(labels.names, default=0) + 1
    painted = labels.labels.copy()
    painted[ellipsoid_voxels(lesion, labels) & ~np.isin(labels.labels, vessels)] = number
    named = replace(labels, labels=painted, names={**labels.names, number: TARGET})
    return named, {**tissues, TARGET: LabelledTissue(lesion.tissue, "tumour")}


def require_target(labels: LabelVolume, name: str, *, where: str) -> None:
    """Refuse a target that is no label, or that has no voxel within the image."""
    if name not in labels.names.values():
        raise InputError(
            where,
            found=f"no label {name!r}",
            allowed=f"one of {', '.join(labels.names.values())}, or a virtual lesion",
            remedy="check the label's name (imagio anatomy FILE lists them)",
        )
    if not labels.mask(name).any():
        raise InputError(
            where,
            found=f"a target {name!r} without a voxel in the image",
            allowed=f"a target within {labels.grid.describe()}",
            remedy="check its position and frame (RAS or LPS), and the label's priority",
        )


def require_covered(values: NDArray[np.float32], index: NDArray[np.int16], *, where: str) -> None:
    """Refuse Hounsfield units that no rule covers."""
    missed = values[index == NOWHERE]
    if missed.size:
        raise InputError(
            where,
            found=f"{missed.size} unlabelled voxels of {missed.min():.0f} to {missed.max():.0f} HU under no rule",
            allowed="ranges that cover every value of the image",
            remedy="widen the ranges, e.g. the lowest to -4000 HU and the highest to 40000 HU",
        )
