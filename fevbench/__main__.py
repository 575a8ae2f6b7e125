"""``python -m fevbench``: the same as the ``fevbench`` command."""

from fevbench.cli.main import main

if __name__ == "__main__":
    main()
