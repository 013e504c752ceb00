"""File stores: one module for each place where files can live."""
