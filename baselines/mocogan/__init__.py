"""MoCoGAN (Tulyakov et al., CVPR 2018), reimplemented from its published description; see card.md."""
