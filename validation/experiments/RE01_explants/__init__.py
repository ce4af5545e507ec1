# SPDX-License-Identifier: LGPL-3.0-or-later
"""Tumour control by glass microspheres against complete necrosis in explants."""
