"""Metrics: what each one is (``catalog``) and the pure functions that compute them."""
