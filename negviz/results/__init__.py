"""Results files, read as typed tables and plots: a module a kind."""
