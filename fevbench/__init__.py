"""fevbench: how good is the facial-expression video a model makes from one neutral face?

What is listed here is the Python API (docs/python.md). Each name is imported when it is first asked for.
"""

import importlib
from typing import TYPE_CHECKING

from fevbench.version import VERSION

if TYPE_CHECKING:
    from fevbench.api.compared import compare as compare
    from fevbench.api.evaluation import evaluate as evaluate
    from fevbench.api.metrics import ArrayMetric as ArrayMetric
    from fevbench.api.metrics import metric as metric
    from fevbench.api.plugins import register_dataset as register_dataset
    from fevbench.api.plugins import register_extractor as register_extractor
    from fevbench.api.plugins import register_metric as register_metric
    from fevbench.api.plugins import register_protocol as register_protocol
    from fevbench.api.results import Result as Result
    from fevbench.api.results import load_result as load_result
    from fevbench.api.scores import Scores as Scores
    from fevbench.api.scoring import score as score
    from fevbench.models.registry import register_model as register_model

__version__ = VERSION

_WHERE = {
    "ArrayMetric": "fevbench.api.metrics",
    "Result": "fevbench.api.results",
    "Scores": "fevbench.api.scores",
    "compare": "fevbench.api.compared",
    "evaluate": "fevbench.api.evaluation",
    "load_result": "fevbench.api.results",
    "metric": "fevbench.api.metrics",
    "register_dataset": "fevbench.api.plugins",
    "register_extractor": "fevbench.api.plugins",
    "register_metric": "fevbench.api.plugins",
    "register_model": "fevbench.models.registry",
    "register_protocol": "fevbench.api.plugins",
    "score": "fevbench.api.scoring",
}
__all__ = ["__version__", *_WHERE]


def __getattr__(name: str) -> object:
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_WHERE[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_WHERE})
