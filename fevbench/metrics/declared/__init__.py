"""The declarations of all metrics, a module a kind. `fevbench.metrics.catalog` puts them together."""
