"""Uncertainty. The unit of resampling is always the subject: clips of one subject are not independent."""
