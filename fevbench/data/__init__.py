"""What is scored: clips, subjects, splits, data sets, and the protocol that fixes how they are used."""
