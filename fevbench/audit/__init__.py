"""Do the metrics see what they should? True clips, damaged in known ways, step by step."""
