"""The core: what a job is and how it moves. No I/O, no clock, no chance; only attrs beside it."""
