"""Twenty seconds of what a "no" does, on the page and as a GIF."""
