"""What batchjob costs, beside programs that do the same by hand: see README.md."""
