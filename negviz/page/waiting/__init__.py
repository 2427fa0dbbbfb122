"""What is said while models are opened and films embedded, which may take an hour."""
