"""The command line: one small module a command; nothing here imports torch before a command runs."""
