"""Real data with known answers: what others found in them, and what the mixtures of this project find."""
