"""`python -m elbowroom`: the command line."""

from experiments.commands.cli import main

if __name__ == "__main__":
    main()
