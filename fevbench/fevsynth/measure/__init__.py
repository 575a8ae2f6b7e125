"""FEVSynth measured on itself: are faces found, told apart and read, and does nothing else give them away?

``fevbench data measure fevsynth`` runs it. The modules, in the order data flows: `folder` (the set on disk),
`networks` (features of frames, cached), one module a measure (`composition` with `trajectory`,
`detection`, `identity` with `pairs`, `blendshapes` with `correlation`, `expressions` with `classification`,
`border`, `reader` by way of `fevbench.judge`), `record` (a number and what it rests on; the
file written), `study` (which measures there are, and one run of them), `views` (tables of what was measured),
`sheets` and `layout` (pictures of the set).
"""
