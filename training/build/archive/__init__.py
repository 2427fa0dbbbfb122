"""Archives of any number of films: listing them, embedding them in parallel, and writing each once."""
