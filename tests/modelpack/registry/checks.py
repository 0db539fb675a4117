"""What must hold of a registry at every instant, and after every crash."""

from collections import Counter
from dataclasses import dataclass, field

from modelpack import Registry
from modelpack.directory import open_directory
from modelpack.errors import ModelpackError
from modelpack.registry import ModelVersion, Move


@dataclass
class Acknowledged:
    """What writers were told is done, and what they had *begun* to delete."""

    digests: dict[int, str] = field(default_factory=dict)
    promoted: list[int] = field(default_factory=list)
    aliased: list[int] = field(default_factory=list)
    deleted: set[int] = field(default_factory=set)
    begun: set[int] = field(default_factory=set)

    def read(self, line: str) -> None:
        """Take in one line of a writer's log."""
        word, number, *rest = line.split()
        match word:
            case "registered":
                self.digests[int(number)] = rest[0]
            case "promoted":
                self.promoted.append(int(number))
            case "aliased":
                self.aliased.append(int(number))
            case "deleting":
                self.begun.add(int(number))
            case "deleted":
                self.deleted.add(int(number))
            case _:
                raise ValueError(line)


def versions_of(registry: Registry, name: str) -> list[ModelVersion]:
    """All versions, by number, as one statement saw them."""
    found = registry.search_versions(f"name = '{name}'", order_by=["version_number"], max_results=100_000)
    return list(found)


def torn(versions: list[ModelVersion], deleted: set[int] | frozenset[int] = frozenset()) -> list[str]:
    """What is wrong with *versions* as one reader saw them, when archiving was always asked for."""
    findings = []
    numbers = [version.version for version in versions]
    expected = [number for number in range(1, max(numbers, default=0) + 1) if number not in deleted]
    if [number for number in numbers if number not in deleted] != expected:
        findings.append(f"the numbers are {numbers}")
    holders = [version.version for version in versions if version.stage == "Production"]
    if len(holders) > 1:
        findings.append(f"versions {holders} are in Production")
    return findings


def lost(versions: list[ModelVersion], moves: list[Move], known: Acknowledged) -> list[str]:
    """What was acknowledged and is not there."""
    present = {version.version: version for version in versions}
    staged = Counter(move.version for move in moves if move.after == "Production")
    aliased = Counter(move.version for move in moves if move.kind == "alias" and move.after)
    return [
        *(
            f"registered {number}"
            for number, digest in known.digests.items()
            if number not in known.begun and (number not in present or present[number].digest != digest)
        ),
        *(f"promoted {number}" for number in known.promoted if not staged[number]),
        *(f"aliased {number}" for number in known.aliased if not aliased[number]),
        *(f"deleted {number}" for number in known.deleted if number in present),
    ]


def damaged(registry: Registry, versions: list[ModelVersion]) -> list[str]:
    """Versions whose files are not all there; every byte is read."""
    findings = []
    for version in versions:
        try:
            open_directory(registry.path(version)).check()
        except ModelpackError as error:
            findings.append(f"version {version.version}: {error}")
    return findings


def untold(versions: list[ModelVersion], moves: list[Move]) -> list[str]:
    """Where the history, played from its beginning, leads elsewhere than to what is."""
    findings = []
    stages: dict[int, str | None] = {}
    meaning: str | None = None
    for move in moves:
        if move.kind == "alias":
            was, meaning = meaning, move.after
        else:
            was, stages[move.version] = stages.get(move.version, "None"), move.after
        if was != move.before:
            findings.append(f"{move} comes after {was}")
    findings += [
        f"version {version.version} is in {version.stage}, and moved to {stages.get(version.version)}"
        for version in versions
        if version.stage != stages.get(version.version, "None")
    ]
    holders = [str(version.version) for version in versions if version.aliases]
    if holders != ([meaning] if meaning else []):
        findings.append(f"the alias means {holders}, and was moved to {meaning}")
    return findings
