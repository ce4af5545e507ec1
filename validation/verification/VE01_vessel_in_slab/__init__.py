# SPDX-License-Identifier: LGPL-3.0-or-later
"""A heated slab with one vessel through it."""
