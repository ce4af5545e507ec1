# SPDX-License-Identifier: LGPL-3.0-or-later
"""Efficiency of the equivalent microwave antenna."""
