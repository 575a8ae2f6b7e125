"""The warnings' filters as they were before a model's code was first run: `fevbench.global_state` sets them.

It is apart from that module, which imports torch: what finds a run finished needs no torch.
"""

from __future__ import annotations

import warnings

_filters = tuple(warnings.filters)


def remember_initial_state() -> None:
    """Note the warnings' filters of now."""
    global _filters
    _filters = tuple(warnings.filters)


def initial_filters() -> tuple[object, ...]:
    """The filters that were noted last, or else those of when this was imported."""
    return _filters
