"""VGAN (Vondrick et al., NeurIPS 2016), reimplemented from its published description; see card.md."""
