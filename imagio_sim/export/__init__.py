# SPDX-License-Identifier: LGPL-3.0-or-later
"""Files for other programs: ParaView, 3D Slicer, DICOM viewers, spreadsheets."""
