"""Uncertainty. The unit of resampling is always the subject: clips of one person are not independent."""
