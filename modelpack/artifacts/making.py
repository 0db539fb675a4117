"""Make the bucket of an artifact root, where it is not there yet: ``python -m modelpack.artifacts.making s3://NAME``."""

import os
import re
import sys
from collections.abc import Mapping, Sequence

from modelpack.artifacts.buckets import file_system
from modelpack.errors import InvalidUri, ModelpackError, StoreUnavailable, shorten

_BUCKET = re.compile(r"(s3)://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])")


def make_bucket(uri: str, environ: Mapping[str, str]) -> bool:
    """Make the bucket *uri*, as *environ* says where and who; whether it had to be made.

    Raises InvalidUri for anything but ``s3://NAME``, StoreUnavailable where it cannot be made.
    """
    found = _BUCKET.fullmatch(uri)
    if found is None:
        raise InvalidUri(f"{shorten(uri, 80)} is no bucket; write s3://NAME")
    files = file_system(found[1], uri, environ)
    try:
        if files.exists(found[2]):
            return False
        files.mkdir(found[2])
    except FileExistsError:
        return False
    except OSError as error:
        raise StoreUnavailable(f"the bucket {uri} cannot be made: {shorten(str(error), 120)}") from error
    return True


def main(arguments: Sequence[str]) -> int:
    """Make the bucket that *arguments* name; the exit code."""
    try:
        (uri,) = arguments
        made = make_bucket(uri, os.environ)
    except (ModelpackError, ValueError) as error:
        sys.stderr.write(f"Error: {error}\n")
        return 1
    sys.stdout.write(f"{uri}: {'made' if made else 'is there'}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
