"""The pages of a gallery: verdicts on data that many have looked at, and a leaderboard over all of them."""
