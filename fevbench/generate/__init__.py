"""Clips from any photograph: read it, find and frame the face, run a model, write the clips."""
