"""The diagnosis panel."""
