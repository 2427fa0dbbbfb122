"""The blinded reader study: its design, its store, its analysis and its export."""
