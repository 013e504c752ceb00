"""The command line's fixtures, for tests of ``serve``."""

from cli.conftest import cli, plugins, until

__all__ = ["cli", "plugins", "until"]
