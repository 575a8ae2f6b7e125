"""Human studies: people choose the better of two clips, blindly; metrics are held against their choices."""
