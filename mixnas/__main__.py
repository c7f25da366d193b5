"""The way into the command line: `mixnas`, or `python -m mixnas`."""

from __future__ import annotations

import signal
import sys


def main() -> None:
    """Runs the command line; a Ctrl-C while its modules are still loading ends it as quietly as a later one."""
    try:
        from mixnas.cli.main import main as run

        run()
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second Ctrl-C must not fall into the goodbye
        sys.stderr.write("interrupted\n")
        sys.exit(1)


if __name__ == "__main__":
    main()
