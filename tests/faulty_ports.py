"""Ports in which something happens at a given step: a death, a lost reply, somebody else's turn."""

from collections.abc import Callable
from typing import Any


class CrashError(Exception):
    """The controller died here."""


class Faulty:
    """A port of the controller, in which something happens at the next of its calls."""

    def __init__(self, port: Any, plan: "Plan") -> None:
        self._port, self._plan = port, plan

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._port, name)

        def guarded(*args: Any, **kwargs: Any) -> Any:
            self._plan.before(name, lambda: call(*args, **kwargs))
            answer = call(*args, **kwargs)
            self._plan.after()
            return answer

        return guarded


class Plan:
    """What happens at which step of a look: `what` before or after the call number `step`."""

    def __init__(self) -> None:
        self.step, self.what = -1, ""
        self.meanwhile: Callable[[], object] = lambda: None
        self.late: list[Callable[[], object]] = []
        self._count = 0

    def set(self, step: int, what: str) -> None:
        self.step, self.what, self._count = step, what, 0

    def before(self, name: str, call: Callable[[], object]) -> None:
        if self.what == "arrives late" and self._count >= self.step >= 0:
            # The first call to the store from then on: it is lost, and done later.
            if name in ("grant", "take_back"):
                self.late.append(call)
                raise CrashError
            return
        if self._count != self.step:
            return
        if self.what == "crash before":
            raise CrashError
        if self.what == "meanwhile":
            self.meanwhile()

    def after(self) -> None:
        self._count += 1
        if self._count - 1 == self.step and self.what == "crash after":
            raise CrashError
