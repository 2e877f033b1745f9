"""Runs a command and ends it, with all that it has started, when standard input ends: whoever holds the other end has
gone then, however it went. A program of its own that needs Python alone.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress

_PATIENCE_S = 10.0
"""Before those that were asked to end are killed."""


def main(command: list[str]) -> int:
    try:
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)
    except OSError as error:
        sys.stderr.write(f"{command[0]}: {error.strerror}\n")
        return 127
    threading.Thread(target=_watch, args=(child.pid,), daemon=True).start()
    code = child.wait()
    _tell(child.pid, signal.SIGKILL)  # what it left
    return code if code >= 0 else 128 - code


def _watch(group: int) -> None:
    while os.read(0, 1 << 10):
        pass
    _tell(group, signal.SIGTERM)
    time.sleep(_PATIENCE_S)
    _tell(group, signal.SIGKILL)


def _tell(group: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
