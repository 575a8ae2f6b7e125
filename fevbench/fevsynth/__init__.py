"""FEVSynth, the embedded data set: rendered people performing the six basic expressions."""

VERSION = "1.0"
"""Version of the set and of its renderer: raised whenever the same settings could give other pixels."""
