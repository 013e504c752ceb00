"""The command line: one module for each group of commands, and what they share.

click is imported at once; rich, SQLAlchemy and the rest of batchjob only when a command needs
them, so that help is there at once. What a job is or may do does not belong here.
"""
