"""The version of fevbench."""

VERSION = "0.1.0"
