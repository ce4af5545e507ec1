# SPDX-License-Identifier: LGPL-3.0-or-later
"""Plan and anatomy to a tagged mesh: recipes, gmsh in a child process, size fields, sampling, cache."""
