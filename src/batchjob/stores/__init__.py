"""Where jobs and their chunks live: in memory, in SQLite, in PostgreSQL.

Here belong the adapters of the port `Store` and the migrations of their tables; files, and what a
job does, do not.
"""
