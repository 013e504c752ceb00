"""Engines: one module for each way to get chunks worked on."""
