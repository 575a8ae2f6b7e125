"""Views of results: nothing is measured here, and tests between runs use what results hold."""
