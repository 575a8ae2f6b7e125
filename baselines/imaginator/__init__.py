"""ImaGINator (Wang et al., WACV 2020), reimplemented from its published description; see card.md."""
