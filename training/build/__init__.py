"""What `python -m training all` runs, in order; every step goes on where it was stopped."""
