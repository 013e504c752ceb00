"""Strategies on a catalogue in Medusa v1's table layout, and what they stand on.

Here belongs what knows products: tables, reading, files of rows. What any job needs (statuses,
chunks, stores) does not. This module is empty, so that importing the plugin loads no SQLAlchemy.
"""
