"""TGAN (Saito et al., ICCV 2017), reimplemented from its published description; see card.md."""
