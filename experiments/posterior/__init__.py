"""What draws of a posterior say: moments, prediction, co-clustering, the symmetrised q."""
