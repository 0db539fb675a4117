"""Names for runs that were given none: an adjective, a noun, a number."""

import secrets
from typing import Final

_ADJECTIVES: Final = (
    "amber", "brisk", "calm", "deft", "eager", "fabled", "gentle", "hardy", "inky", "jolly", "keen", "lucid",
    "mellow", "nimble", "opal", "placid", "quiet", "rustic", "silver", "tidy", "upbeat", "vivid", "windy",
    "young", "zesty",
)  # fmt: skip
_NOUNS: Final = (
    "acorn", "badger", "cedar", "delta", "ember", "falcon", "grove", "heron", "inlet", "juniper", "kestrel",
    "lagoon", "meadow", "narwhal", "otter", "pebble", "quarry", "ridge", "sparrow", "tundra", "upland",
    "valley", "willow", "yarrow", "zephyr",
)  # fmt: skip


def random_name() -> str:
    """A name such as ``calm-heron-417``; two may be the same, which does no harm."""
    return f"{secrets.choice(_ADJECTIVES)}-{secrets.choice(_NOUNS)}-{secrets.randbelow(1000)}"
