"""`python -m perotwin` is the command `perotwin`."""

from perotwin.cli import main

if __name__ == "__main__":
    main()
