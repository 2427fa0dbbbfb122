"""The choice of a family."""
