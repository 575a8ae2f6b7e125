"""fevbench: how good is the facial-expression video a model makes from one neutral face?"""

from fevbench.models.registry import register_model as register_model
from fevbench.version import VERSION

__version__ = VERSION

__all__ = ["__version__", "register_model"]
