# SPDX-License-Identifier: LGPL-3.0-or-later
"""Device figures fitted to measurements that are set aside for it."""
