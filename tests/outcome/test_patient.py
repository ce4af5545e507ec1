# SPDX-License-Identifier: LGPL-3.0-or-later
import numpy as np
import pytest

from imagio_sim.anatomy.model import build_anatomy
from imagio_sim.anatomy.volume import Grid, LabelVolume
from imagio_sim.outcome.patient import patient_of, without_image_border
from tests.outcome.meshes import sphere


def ball_labels(centre_k: float) -> LabelVolume:
    """A liver of 14 mm radius with a tumour of 4 mm, cut by the upper end of the image if far up."""
    affine = np.eye(4)
    affine[:3, 3] = -20.0
    distance = np.linalg.norm(np.indices((41, 41, 41)) - np.array([20, 20, centre_k])[:, None, None, None], axis=0)
    labels = np.where(distance < 4, 2, np.where(distance < 14, 1, 0)).astype(np.int32)
    return LabelVolume(labels, Grid((41, 41, 41), affine), {1: "liver", 2: "tumour"})


def test_the_outcome_gets_its_surfaces_and_roles_from_the_anatomy() -> None:
    anatomy = build_anatomy(
        ball_labels(20.0), pack="liver", overrides={}, unlabelled="fat", outside="fat", target="tumour"
    )
    patient = patient_of(anatomy, {"the liver": ["liver"]})
    assert patient.target is not None
    assert patient.target.volume_mm3 == pytest.approx(4 / 3 * np.pi * 64, rel=0.1)
    assert patient.capsule is not None
    assert patient.capsule.distance_mm(np.zeros((1, 3)))[0] == pytest.approx(14.0, abs=0.7)
    assert patient.roles["liver"] == "organ"
    assert set(patient.structures["the liver"]) == {"liver"}
    assert patient_of(anatomy, {}, leave_out_subcapsular=False).capsule is None


def test_where_the_image_cuts_the_organ_there_is_no_capsule() -> None:
    anatomy = build_anatomy(
        ball_labels(37.0), pack="liver", overrides={}, unlabelled="fat", outside="fat", target="tumour"
    )
    capsule = patient_of(anatomy, {}).capsule
    assert capsule is not None
    # The tumour's middle is 3 mm below the image's end, but 14 mm from every true part of the capsule.
    assert capsule.distance_mm(np.array([[0.0, 0.0, 17.0]]))[0] > 10.0


def test_a_tumour_of_another_organ_has_no_capsule_to_be_near_to() -> None:
    volume = ball_labels(20.0)
    labels = np.where(volume.labels == 2, 1, volume.labels)
    labels[2:6, 2:6, 2:6] = 2
    apart = LabelVolume(labels, volume.grid, volume.names)
    anatomy = build_anatomy(apart, pack="liver", overrides={}, unlabelled="fat", outside="fat", target="tumour")
    assert patient_of(anatomy, {}).capsule is None


def test_a_surface_wholly_at_the_border_is_no_capsule() -> None:
    assert without_image_border(sphere(3.0), Grid((3, 3, 3), np.eye(4))) is None
