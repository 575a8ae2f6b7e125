"""The static site: pages made from results."""
