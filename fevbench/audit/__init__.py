"""Do metrics notice what they should? True clips are damaged in known ways, step by step."""
