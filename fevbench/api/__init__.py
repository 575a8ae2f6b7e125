"""What `fevbench` offers to Python, and the command line calls. `fevbench/__init__.py` lists the names."""
