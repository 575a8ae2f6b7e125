"""Extractors: pretrained networks that turn frames or clips into features, each run once and cached."""
