"""``python -m neutone.cli`` is the script ``neutone``."""

from neutone.cli import main

if __name__ == "__main__":
    main()
