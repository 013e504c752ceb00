"""Killing workers, servers and leases at random, and counting what was lost: ``__main__``."""
