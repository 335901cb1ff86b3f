"""`python -m tuiops` is `tuiops`."""

from tuiops.cli.main import run

if __name__ == "__main__":
    run()
