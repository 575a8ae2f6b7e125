"""The expression classifier: a small network that reads the expression of a clip, trained on true clips.

`network` defines it, `training` trains it, `files` finds that of a data set. In identifiers and files it is
called *judge*. It is part of the metric ``accuracy``: another classifier is another definition.
"""
