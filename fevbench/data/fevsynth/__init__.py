"""FEVSynth, the embedded data set: rendered people performing the six basic expressions."""
