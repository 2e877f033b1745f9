"""Where the command begins, `actor18m` and `python -m actor18m` alike: it can be stopped from the first moment on."""

import os
import signal
import sys

_INTERRUPTED = 130


def main() -> None:
    """Ctrl-C ends it with one line, also while its libraries are loaded, which takes a second."""
    try:
        # Not all libraries let a KeyboardInterrupt through while they are loaded, and nothing needs order yet.
        # Who started this to run undisturbed (nohup) has the signal ignored, and it stays so.
        if is_heard := signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, _end)
        from actor18m.cli.app import app

        if is_heard:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        app(prog_name="actor18m")
    except KeyboardInterrupt:
        _end()


def _end(*_: object) -> None:
    os.write(sys.stderr.fileno(), b"Stopped.\n")
    os._exit(_INTERRUPTED)


if __name__ == "__main__":
    main()
