"""Where the command begins, `actor18m` and `python -m actor18m` alike: it can be stopped from the first moment on."""

from actor18m.stopping import end, loading


def main() -> None:
    """Ctrl-C ends it with one line, also while its libraries are loaded, which takes a while."""
    try:
        with loading():
            from actor18m.cli.app import app

        app(prog_name="actor18m")
    except KeyboardInterrupt:
        end()


if __name__ == "__main__":
    main()
