# SPDX-License-Identifier: LGPL-3.0-or-later
"""Images and segmentations in: every clinical format becomes one labelled volume in patient space (LPS, mm)."""
