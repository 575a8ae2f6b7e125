"""Measures of FEVSynth: are faces detected, recognised and classified, and does only the face identify it?

``fevbench data measure fevsynth`` runs it. The modules, in the order data flows: `folder` (the set on
disk), one module a measure (`composition`, `detection`, `identity`, `blendshapes`, `expressions`, `border`,
`reader` by way of `fevbench.judge`), `record` (a number and what it rests on, how well answers agree with
labels; the file written), `study` (which measures there are, features of frames, and one run of them),
`views` (tables of what was measured), `sheets` (pictures of the set).
"""
