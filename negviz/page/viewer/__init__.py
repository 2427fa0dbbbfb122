"""The film viewer."""
