"""Human studies: raters choose the better of two unnamed models' clips; metrics are compared with that."""
