"""FEV-GAN (Bouzid and Ballihi, 2022): reserved for the reimplementation; nothing is here yet."""
