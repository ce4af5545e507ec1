# SPDX-License-Identifier: LGPL-3.0-or-later
"""The arithmetic that tissue laws are written in, so that numbers, arrays and symbolic expressions alike work."""

from __future__ import annotations

from typing import Any, Protocol, TypeAlias

import numpy as np

Operand: TypeAlias = Any
"""A number, a numpy array or a symbolic expression: anything with + - * /."""


class Arithmetic(Protocol):
    """The few functions a law needs beyond + - * /."""

    def minimum(self, first: Operand, second: Operand) -> Operand:
        """Pick the smaller of two."""

    def maximum(self, first: Operand, second: Operand) -> Operand:
        """Pick the larger of two."""

    def exp(self, exponent: Operand) -> Operand:
        """Raise e to a power."""

    def greater(self, first: Operand, second: Operand) -> Operand:
        """Make the condition first > second, for :meth:`where`."""

    def where(self, condition: Operand, if_true: Operand, if_false: Operand) -> Operand:
        """Choose one of two by a condition."""


class _Numpy:
    """Numbers and numpy arrays."""

    def minimum(self, first: Operand, second: Operand) -> Operand:
        return np.minimum(first, second)

    def maximum(self, first: Operand, second: Operand) -> Operand:
        return np.maximum(first, second)

    def exp(self, exponent: Operand) -> Operand:
        return np.exp(exponent)

    def greater(self, first: Operand, second: Operand) -> Operand:
        return np.greater(first, second)

    def where(self, condition: Operand, if_true: Operand, if_false: Operand) -> Operand:
        return np.where(condition, if_true, if_false)


NUMPY: Arithmetic = _Numpy()


def smoothstep(x: Operand, *, start: Operand, end: Operand, xp: Arithmetic) -> Operand:
    """Smooth rise from 0 at ``start`` to 1 at ``end`` with zero slope at both (cubic Hermite)."""
    share = xp.minimum(xp.maximum((x - start) / (end - start), 0.0), 1.0)
    return share * share * (3.0 - 2.0 * share)
