"""Prepared data sets: from a downloaded folder to lossless clips of one face, one size and one length."""
