"""G3AN (Wang et al., CVPR 2020), reimplemented from its published description; see card.md."""
