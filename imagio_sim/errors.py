# SPDX-License-Identifier: LGPL-3.0-or-later
"""The exception tree: everything imagio-sim raises on purpose.

The command line prints an :class:`ImagioError` as one line and ends with its ``exit_code``;
any other exception is a bug and keeps its traceback.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import Any, ClassVar, Self, TypeVar

Made = TypeVar("Made")


class ImagioError(Exception):
    """Anything the program refuses or gives up on, with a message a planner can act on."""

    exit_code: ClassVar[int] = 2

    def __reduce__(self) -> tuple[Any, ...]:
        """How it comes from one process to another: with what it was made of, not by its constructor."""
        return _as_raised, (type(self), self.args, self.__dict__)


def _as_raised(kind: type[ImagioError], arguments: tuple[Any, ...], facts: dict[str, Any]) -> ImagioError:
    error = kind.__new__(kind, *arguments)
    error.__dict__.update(facts)
    return error


class InputError(ImagioError):
    """Something the user gave is wrong; says where, what was found, what is allowed and what to do.

    Parameters
    ----------
    where
        File and the path inside it, e.g. ``scenarios/liver.yaml: plans.A.applicators[0].tip``.
    found, allowed, remedy
        What stands there, what may stand there, what to do about it.
    """

    def __init__(self, where: str, *, found: str, allowed: str, remedy: str) -> None:
        self.where, self.found, self.allowed, self.remedy = where, found, allowed, remedy
        super().__init__(f"{where}: expected {allowed}, got {found}; {remedy}")


class InputErrors(ImagioError):
    """All faults of one file, reported together."""

    def __init__(self, errors: Iterable[InputError]) -> None:
        self.errors = tuple(errors)
        super().__init__("\n".join(str(error) for error in self.errors))


def all_made(makers: Iterable[Callable[[], Made]]) -> list[Made]:
    """What each of these makes; everything that is wrong with any of them is refused together."""
    made, faults = list[Made](), list[InputError]()
    for make in makers:
        try:
            made.append(make())
        except InputError as error:
            faults.append(error)
        except InputErrors as errors:
            faults += errors.errors
    if faults:
        raise InputErrors(faults)
    return made


class SolverFailure(ImagioError):
    """The solution broke down: why, the last good time [s] and what may help."""

    exit_code = 3

    def __init__(self, reason: str, *, last_good_time: float, suggestions: tuple[str, str]) -> None:
        self.reason, self.last_good_time, self.suggestions = reason, last_good_time, suggestions
        super().__init__(f"{reason}; last good time {last_good_time:.1f} s; try: {suggestions[0]}, or {suggestions[1]}")


class Interrupted(ImagioError):
    """The user stopped the run; its checkpoint is kept."""

    exit_code = 130


class StorageFailure(ImagioError):
    """A result could not be written, e.g. because the disk is full; the last checkpoint is kept."""

    exit_code = 3

    def __init__(self, path: str, reason: str) -> None:
        self.path, self.reason = path, reason
        super().__init__(f"{path}: could not be written ({reason}); free some space and run the same command again")

    @classmethod
    def of(cls, error: OSError, folder: object) -> Self:
        """The failure behind an error of the operating system, which need not name the file it met in ``folder``."""
        # Not its own text: that of HDF5 runs over several lines.
        return cls(str(error.filename or folder), os.strerror(error.errno) if error.errno else str(error))
