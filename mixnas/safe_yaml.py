"""Plain YAML for files that may come from anyone: no tags, no aliases, no repeated keys, no dates.

A few lines of aliases can stand for gigabytes; of repeated keys the last would win in silence.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import yaml

from mixnas.errors import ConfigError


def parse(text: str, where: str) -> Any:
    """Plain data from a YAML text.

    Raises:
        ConfigError: it is no YAML, or holds what plain YAML here must not; the error names the line.
    """
    try:
        return yaml.load(text, Loader=_PlainLoader)
    except yaml.MarkedYAMLError as error:
        line = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        problem = ", ".join(filter(None, (error.context, error.problem)))
        raise ConfigError(f"{where}{line}: {problem}", hint="only plain YAML is read") from error
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        first = (str(error) or type(error).__name__).splitlines()[0]
        raise ConfigError(f"{where}: {first}", hint="only plain YAML is read") from error


def dump(data: Any) -> str:
    """YAML in the order of the data, lists on one line.

    Raises:
        yaml.YAMLError: the data holds something other than dicts, lists, texts, numbers, true, false and None.
    """
    text: str = yaml.dump(data, Dumper=_PlainDumper, sort_keys=False, allow_unicode=True, width=120)
    return text


class _PlainLoader(yaml.SafeLoader):
    """YAML's safe loader without aliases, repeated keys and dates."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.composer.ComposerError(None, None, "aliases are not allowed in a model config", mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.constructor.ConstructorError(None, None, "a key must be a text", key.start_mark)
            if key.value in seen:
                problem = f"the key {key.value!r} is given twice"
                raise yaml.constructor.ConstructorError(None, None, problem, key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


_PlainLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


class _PlainDumper(yaml.SafeDumper):
    """Writes short lists on one line, and never an alias."""

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def represent_sequence(self, tag: str, sequence: Any, flow_style: bool | None = None) -> yaml.SequenceNode:
        return super().represent_sequence(tag, sequence, flow_style=True)


def _represent_text(dumper: _PlainDumper, text: str) -> yaml.ScalarNode:
    """Odd line breaks and invisible characters come back only from double quotes."""
    odd = any(not character.isprintable() and character != "\n" for character in text)
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"' if odd else None)


_PlainDumper.add_representer(str, _represent_text)
