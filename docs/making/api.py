"""The page of Python names: signatures and numpydoc docstrings of what a package offers."""

import inspect
from collections.abc import Iterable
from importlib import import_module
from typing import Any

from numpydoc.docscrape import NumpyDocString, Parameter

from docs.making.writing import code, plain, table

_OTHERS = (
    "elbowroom.testing:assert_derivation",
    "hand_cavi:Fit",
    "hand_cavi:ElboTerms",
    "hand_cavi:Status",
    "hand_cavi:log_joint",
    "hand_cavi.linear_response:linear_response",
    "hand_cavi.gibbs.sampler:gibbs",
    "hand_cavi.derivation:ascend",
    "experiments.checks:Report",
    "experiments.interactive.comparison:Comparison",
)
"""What the documentation uses, and what functions return, besides what `elbowroom` itself offers."""


def markdown(package: str = "elbowroom") -> str:
    """Return a section for each public name: those of a package, or ``others``."""
    if package == "others":
        found = [(place.replace(":", "."), _thing(place)) for place in _OTHERS]
    else:
        module = import_module(package)
        found = [(name, getattr(module, name)) for name in sorted(module.__all__)]
    return "\n".join(section(name, thing) for name, thing in found if callable(thing))


def section(name: str, thing: Any) -> str:
    """Return a name's heading, signature, and docstring."""
    doc = NumpyDocString(inspect.getdoc(thing) or "")
    parts = [f"## {plain(name.rpartition('.')[2])}\n", f"```python\n{_import(name, thing)}\n```\n"]
    parts += [plain(" ".join(doc["Summary"])) + "\n", *_text(doc["Extended Summary"])]
    for title in ("Parameters", "Attributes", "Returns", "Raises"):
        if doc[title]:
            parts += [f"**{title}**\n", _parameters(doc[title])]
    if inspect.isclass(thing):
        parts += list(_methods(thing))
    if doc["Examples"]:
        parts.append("```pycon\n" + "\n".join(doc["Examples"]).strip() + "\n```\n")
    return "\n".join(parts)


def fields(thing: Any) -> str:
    """Return the table of a class's attributes."""
    return _parameters(NumpyDocString(inspect.getdoc(thing) or "")["Attributes"])


def _parameters(documented: Iterable[Parameter]) -> str:
    rows = [
        (code(p.name) if p.type or p.name else "", plain(p.type), plain(" ".join(p.desc))) for p in documented
    ]
    return table(("name", "type", "what it is"), rows)


def _methods(cls: type) -> Iterable[str]:
    """Yield the list of public methods and properties, with their first sentences.

    They are the class's own, and those of bases that lie in files beside its own.
    """
    folder, rows = _folder(cls), []
    near = [base for base in cls.__mro__ if _folder(base) == folder]
    for name, member in ((name, member) for base in near for name, member in vars(base).items()):
        documented = member.fget if isinstance(member, property) else member
        public = not name.startswith("_") and inspect.isfunction(documented)
        if public and documented.__doc__:
            shown = name if isinstance(member, property) else f"{name}{_signature(member)}"
            rows.append((code(shown), plain(inspect.getdoc(documented).partition("\n\n")[0])))
    if rows:
        yield "**Methods and properties**\n"
        yield table(("name", "what it gives"), rows)


def _folder(cls: type) -> str:
    return cls.__module__.rpartition(".")[0]


def _signature(function: Any) -> str:
    """Return the parameters' names and defaults, without types and without self."""
    bare = [
        parameter.replace(annotation=inspect.Parameter.empty)
        for name, parameter in inspect.signature(function).parameters.items()
        if name != "self"
    ]
    return str(inspect.Signature(bare))


def _import(name: str, thing: Any) -> str:
    """Return how a name is imported and called."""
    module = name.rpartition(".")[0] or "elbowroom"
    short = name.rpartition(".")[2]
    called = "" if not callable(thing) or _made_by_others(thing) else f"\n\n{short}{_signature(thing)}"
    return f"from {module} import {short}{called}"


def _made_by_others(thing: Any) -> bool:
    return inspect.isclass(thing) and (hasattr(thing, "__members__") or issubclass(thing, Exception))


def _text(lines: list[str]) -> list[str]:
    """Return paragraphs; what is indented stands as it is."""
    parts: list[str] = []
    for paragraph in "\n".join(lines).split("\n\n"):
        if paragraph.startswith((" ", ">>>")):
            parts.append(f"```\n{paragraph}\n```\n")
        elif paragraph.strip():
            parts.append(plain(paragraph) + "\n")
    return parts


def _thing(place: str) -> Any:
    module, _, name = place.partition(":")
    return getattr(import_module(module), name)
