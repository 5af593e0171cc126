"""Softmax regression on CIFAR-10, written for a reader. Each module says in its first line what it is for."""

from __future__ import annotations

import sys
from types import TracebackType


def quiet_if_interrupted(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Ctrl-C while a command still imports what it needs gives no traceback. After that it is `lib.command`' task."""
    if issubclass(kind, KeyboardInterrupt):
        print("\ninterrupted", file=sys.stderr)
    else:
        sys.__excepthook__(kind, error, trace)


sys.excepthook = quiet_if_interrupted

# jsonschema, which nbformat imports, would compile a grammar of URLs with it: a second, for what no notebook holds.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]  # None means that it cannot be imported
