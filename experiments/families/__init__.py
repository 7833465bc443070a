"""What a reader is told of each family, and what is chosen where no prior is given."""
