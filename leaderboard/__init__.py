"""The leaderboard: reserved for the results that count and the pages made from them."""
