"""Search: a collection's embeddings, the films nearest to a sentence, and how many of them are right."""
