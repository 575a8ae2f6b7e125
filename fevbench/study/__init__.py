"""Human studies: raters choose the better of two clips, blindly; metrics are compared with their choices."""
