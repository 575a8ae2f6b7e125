"""The leaderboard: results that count, committed under ``results/``."""
