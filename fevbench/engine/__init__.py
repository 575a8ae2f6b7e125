"""A run: plan what is needed, make the clips, extract features once, score, write the result."""
