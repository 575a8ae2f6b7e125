"""Results: one versioned schema, written by runs and read by every view."""
