"""fevbench: how good is the facial-expression video a model makes from one neutral face?"""

__version__ = "0.1.0"

from fevbench.models.registry import register_model as register_model
