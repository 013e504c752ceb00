"""The door of the console script and of ``python -m batchjob``; commands are in `batchjob.cli`."""

import sys

from batchjob.errors import MissingExtra


def main() -> None:
    """Run the command line, and exit; with status 2 if what it needs is not installed."""
    try:
        from batchjob.cli.app import program
    except ImportError as error:
        if (error.name or "").partition(".")[0] not in {"click", "rich"}:
            raise
        sys.stderr.write(f"batchjob: error: {MissingExtra('the command line', 'cli')}\n")
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)
    program.main()


if __name__ == "__main__":
    main()
