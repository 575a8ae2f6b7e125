"""The leaderboard: the results that count, whether they are what they claim, and the pages made from them."""
