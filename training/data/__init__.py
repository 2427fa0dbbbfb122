"""What models learn from and are asked about: films, captions, pairs, wordings."""
