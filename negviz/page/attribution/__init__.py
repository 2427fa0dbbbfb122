"""The words panel."""
