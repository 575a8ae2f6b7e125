"""The renderer of FEVSynth: from public head assets to labelled expression clips.

``python -m fevbench.data.fevsynth.render --help`` renders a set. The modules, in the order data flows:
`assets` (the pinned archives), `mesh` (their file formats), `population` (who is in the set), `shape`, `skin`
and `identity` (one person), `expression` and `trajectory` (how the face moves), `scene` (what surrounds it),
`raster` and `shading` (pixels), `frame` (one picture), `clip` (one clip from its seed), `writer` (a clip on
disk, and the manifest).

Rasterizing needs numba, which the extra ``fevbench[render]`` installs; `raster`, `shading`, `frame` and
`clip` import it, the other modules do not.
"""
