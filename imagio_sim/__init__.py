# SPDX-License-Identifier: LGPL-3.0-or-later
"""Predicts the effect of image-guided minimally invasive tumour therapies from a patient's images.

Research software, not a medical device.
"""

__version__ = "0.1.0"
