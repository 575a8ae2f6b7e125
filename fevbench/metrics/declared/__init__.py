"""The declarations of all metrics, one module per kind. `fevbench.metrics.catalog` puts them together."""
