"""The methods fevbench compares against, one folder each, and the controls that test the metrics."""
