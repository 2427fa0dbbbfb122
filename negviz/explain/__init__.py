"""Why a model answers as it does: words, heads, dose and response, diagnosis, maps."""
