"""A page to play with: a photograph in, six expressions by every model out. Nothing leaves the machine."""
