"""The leaderboard: its results, their checks, and the pages made from them."""
