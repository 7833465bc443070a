"""The command `elbowroom`: `cli` is its one way in, and each subcommand has a file of its own."""
