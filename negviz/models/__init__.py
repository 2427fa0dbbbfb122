"""Models: dual encoders, the towers they are made of, and the families they are kept in."""
