"""Runs ``serve`` as a child that ends with its parent: ``launch.py PARENT ARGUMENTS``."""

import sys

from serving.bench.parent import end_with
from serving.cli import main

if __name__ == "__main__":
    end_with(int(sys.argv[1]))
    main(sys.argv[2:])
