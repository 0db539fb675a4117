"""Objects as YAML that every parser reads alike."""

import re
from collections.abc import Iterable

import yaml

from k8s.workload import Object

_PLAIN = re.compile(r"[A-Za-z/](?:[A-Za-z0-9._/-]|:(?=[A-Za-z0-9._/-]))*")
_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf"})


class _Dumper(yaml.SafeDumper):
    """PyYAML's own, a little more careful.

    It would leave ``1e3`` and ``0o17`` bare, which are text to YAML 1.1 and numbers to the parser of
    Kubernetes; so what is not plainly a word is quoted.
    """

    def ignore_aliases(self, data: object) -> bool:
        """Write everything out, however often it occurs: not every reader follows anchors."""
        return True


def _write_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    plain = _PLAIN.fullmatch(text) and text.lower() not in _WORDS
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=None if plain else '"')


_Dumper.add_representer(str, _write_text)


def document(thing: Object) -> str:
    """*thing* as one YAML document, its keys in their order, with nothing but ASCII."""
    return yaml.dump(thing, Dumper=_Dumper, sort_keys=False, default_flow_style=False, width=2**31)


def stream(objects: Iterable[Object]) -> str:
    """*objects* as one YAML stream."""
    return "---\n".join(document(one) for one in objects)
