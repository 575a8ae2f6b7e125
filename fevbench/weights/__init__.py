"""Pretrained networks: their purpose, their sources, and their verified files.

>>> from fevbench import weights
>>> weights.require("w600k-mbf").path  # doctest: +SKIP
"""

from fevbench.weights.pull import Pulled, add, pull_all, require, require_all
from fevbench.weights.registry import Address, Carrier, File, Weight, load_registry
from fevbench.weights.store import LocalWeight, cache, find, locate, user_folder, verify
from fevbench.weights.transfer import Progress

__all__ = [
    "Address",
    "Carrier",
    "File",
    "LocalWeight",
    "Progress",
    "Pulled",
    "Weight",
    "add",
    "cache",
    "find",
    "load_registry",
    "locate",
    "pull_all",
    "require",
    "require_all",
    "user_folder",
    "verify",
]
