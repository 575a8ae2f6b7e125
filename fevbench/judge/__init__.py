"""The judge: a small network that reads which expression a clip shows, trained on true train subjects only.

`network` is what it is, `training` how it learns, `files` where that of a data set is found. It is part of
the metric ``accuracy``: another judge is another definition.
"""
