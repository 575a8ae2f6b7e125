"""Clips from any photograph: read it, find and frame the face, ask a model, write what it made."""
