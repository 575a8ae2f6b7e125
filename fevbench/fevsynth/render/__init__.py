"""The renderer of FEVSynth: from public head assets to labelled expression clips.

``fevbench data render fevsynth --help`` renders a set. The modules, in the order data flows:
`assets` (the pinned archives), `mesh` (their file formats), `population` (who is in the set), `shape`, `skin`
and `identity` (one person), `expression` and `trajectory` (how the face moves), `scene` (what surrounds it),
`raster` and `shading` (pixels), `frame` (one picture), `job` (one clip or neutral image to render), `clip`
(its frames and their truth), `writer` (its file) with `sidecar` (what is known of it), `folder` (which set a
folder holds), `batch` (many at once), `manifest` (the set put together).

Rasterizing needs numba, which the extra ``fevbench[render]`` installs; only `raster` and what draws with it,
`frame` and `clip` among them, import it.
"""
