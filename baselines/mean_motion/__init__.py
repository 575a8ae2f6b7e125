"""Mean motion: a class's mean landmark motion, warped onto any face. No network is trained for it."""
