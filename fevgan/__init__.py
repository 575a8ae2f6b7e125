"""FEV-GAN (Bouzid and Ballihi, 2022), reimplemented from its published description; see card.md."""
