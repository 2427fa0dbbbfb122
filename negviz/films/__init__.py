"""Films: collections and what is known of each film, where their pixels come from, how they are decoded."""
