# SPDX-License-Identifier: LGPL-3.0-or-later
"""Vessels by their centre lines: read, coupled to the tissue, and what they carried away."""
