"""``python -m neutone`` does the same as the script ``neutone``."""

from neutone.cli import main

if __name__ == "__main__":
    main()
