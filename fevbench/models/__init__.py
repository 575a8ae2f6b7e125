"""Models: the protocol they obey, how they are found, and how they are asked for a clip."""
