"""Reading: what a sentence says of findings, with which polarity, and what its opposite is."""
