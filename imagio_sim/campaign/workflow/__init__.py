# SPDX-License-Identifier: LGPL-3.0-or-later
"""Campaigns: many runs from one file, by Snakemake, on this machine or on a cluster with SLURM."""
