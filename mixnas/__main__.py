"""`python -m mixnas` is the same as `mixnas`."""

from mixnas.cli.main import main

if __name__ == "__main__":
    main()
