"""The renderer of FEVSynth: from public head assets to labelled expression clips.

``fevbench data render fevsynth --help`` renders a set. The modules, in the order data flows: `assets` (the
pinned archives), `mesh` (their file formats), `plan` (who is in the set, and each clip or neutral image to
render), `skin`, `wrinkles`, `hair` and `subject` (one subject), `expression` and `trajectory` (how the face
moves), `scene` (what surrounds it, and the camera), `raster` and `shading` (pixels), `frame` (one picture,
and a clip with its truth), `files` (its file, and what is known of it), `sets` (many at once, and the set
put together).

Rasterizing needs numba, which the extra ``fevbench[render]`` installs; only `raster` and what draws with
it, `shading` and `frame`, import it.
"""
