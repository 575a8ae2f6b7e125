"""Views of results: nothing is computed here."""
