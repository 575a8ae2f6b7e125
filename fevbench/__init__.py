"""fevbench: how good is the facial-expression video a model makes from one neutral face?"""

__version__ = "0.1.0"
