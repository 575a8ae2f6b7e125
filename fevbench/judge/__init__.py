"""The judge: a small network that reads which expression a clip shows, trained on true train subjects only.

`network` is what it is; `training` and `augmentation` are how it learns, `learn` is both for a data set;
`files` is where the judge of a data set is found. It is part of the metric ``accuracy``: another judge is
another definition.
"""
