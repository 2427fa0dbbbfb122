"""The panel of links and files to take away."""
