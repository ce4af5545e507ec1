# SPDX-License-Identifier: LGPL-3.0-or-later
"""Connected pieces of labels."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from imagio_sim.anatomy.volume import LabelVolume


def largest_pieces(volume: LabelVolume) -> LabelVolume:
    """Keep the largest face-connected piece of each label; what is dropped becomes unlabelled."""
    from scipy.ndimage import label

    labels = np.zeros_like(volume.labels)
    for number in volume.names:
        pieces, count = label(volume.labels == number)
        if count:
            largest = int(np.argmax(np.bincount(pieces.ravel())[1:])) + 1
            labels[pieces == largest] = number
    return replace(volume, labels=labels)
