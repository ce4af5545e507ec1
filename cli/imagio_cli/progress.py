# SPDX-License-Identifier: LGPL-3.0-or-later
"""What a person sees of a long run, and how they stop it."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import TaskID

    from imagio_sim.campaign.solving import Progress


class Wish:
    """Whether the user wants to stop; while solving it is granted at the next checkpoint, otherwise at once."""

    def __init__(self) -> None:
        self.made = self.solving = False

    def __call__(self) -> bool:
        """Whether to stop at the next checkpoint."""
        return self.made

    def note(self, number: int, frame: object) -> None:
        """Take a signal."""
        if self.made or not self.solving:
            raise KeyboardInterrupt
        self.made = True

    def while_solving(self, show: Callable[[Progress], None]) -> Callable[[Progress], None]:
        """The listener, which also tells that the solution is under way until it has reached its end."""

        def listen(progress: Progress) -> None:
            self.solving = progress.time < progress.end
            show(progress)

        return listen


@contextmanager
def stoppable() -> Iterator[Wish]:
    """Turn Ctrl-C and SIGTERM into a wish; a second one ends at once."""
    wish = Wish()
    before = {number: signal.signal(number, wish.note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield wish
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class Display:
    """Progress for people: a bar on a terminal, elsewhere a line now and then or (``brief``) nothing."""

    def __init__(self, *, brief: bool = False) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
        from rich.progress import Progress as Bar

        self._console = Console(stderr=True, highlight=False)
        self._bar: Bar | None = None
        self._task: TaskID | None = None
        self._counted: TaskID | None = None
        self._next_share, self._brief = 0.0, brief
        if self._console.is_terminal:
            self._bar = Bar(
                TextColumn("{task.description}"),
                BarColumn(),
                TextColumn("{task.fields[state]}"),
                TimeElapsedColumn(),
                TimeRemainingColumn(),
                console=self._console,
            )
            self._bar.start()

    def say(self, text: str) -> None:
        """A line of its own."""
        self._console.print(text)

    def progress(self, progress: Progress) -> None:
        """Where the solution is in simulated time."""
        share = progress.time / progress.end if progress.end > 0.0 else 1.0
        state = (
            f"{progress.time:.0f} of {progress.end:.0f} s simulated, {progress.power:.0f} W, "
            f"hottest {progress.maximum_temperature:.0f} °C"
        )
        if self._bar is None:
            if share >= self._next_share and not self._brief:
                self._console.print(f"{share:4.0%}  {state}")
                self._next_share = min(_tenth_below(share) + 0.1, 1.0)
            return
        if self._task is None:
            self._task = self._bar.add_task("solving", total=progress.end, state=state)
        self._bar.update(self._task, completed=progress.time, total=progress.end, state=state)

    def count(self, done: int, total: int) -> None:
        """How many of several runs have ended; told by a bar only."""
        if self._bar is None:
            return
        if self._counted is None:
            self._counted = self._bar.add_task("runs", total=total, state="")
        self._bar.update(self._counted, completed=done, total=total, state=f"{done} of {total}")

    def finish(self) -> None:
        """The plan is done."""
        self._next_share = 0.0
        if self._bar is not None and self._task is not None:
            self._bar.remove_task(self._task)
            self._task = None

    def close(self) -> None:
        """Leave the terminal as it was."""
        if self._bar is not None:
            self._bar.stop()


def _tenth_below(share: float) -> float:
    """The share rounded down to tenths."""
    return int(share * 10.0 + 1e-9) / 10.0


@contextmanager
def shown(*, brief: bool = False) -> Iterator[Display]:
    """A display that leaves the terminal as it was."""
    display = Display(brief=brief)
    try:
        yield display
    finally:
        display.close()
