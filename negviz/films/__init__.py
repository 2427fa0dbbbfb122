"""Films: collections with what is known of each film, where their pixels come from, and how they are decoded.
"""
