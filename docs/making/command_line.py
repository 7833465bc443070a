"""The page of the command line: every command with its arguments and options, from the code."""

from typing import Any

import typer.main

from docs.making.writing import code, plain, table
from experiments.commands._app import app


def markdown() -> str:
    """Return the page's body: a section for each command, in the order of `elbowroom --help`."""
    group: Any = typer.main.get_command(app)
    return "\n".join(_command(name, command) for name, command in group.commands.items())


def _command(name: str, command: Any) -> str:
    arguments = [p for p in command.params if p.param_type_name == "argument"]
    options = [p for p in command.params if p.param_type_name == "option"]
    usage = " ".join(["elbowroom", name, *(_place(p) for p in arguments), "[OPTIONS]" if options else ""])
    parts = [f"## elbowroom {name}\n", *_paragraphs(command.help or ""), f"```\n{usage.strip()}\n```\n"]
    if arguments:
        rows = [(code(_place(p)), plain(getattr(p, "help", None) or "")) for p in arguments]
        parts.append(table(("argument", "what it is"), rows))
    if options:
        rows = [(_flags(p), _default(p), plain(getattr(p, "help", None) or "")) for p in options]
        parts.append(table(("option", "default", "what it says"), rows))
    return "\n".join(parts)


def _paragraphs(text: str) -> list[str]:
    return [plain(part) + "\n" for part in text.split("\n\n") if part.strip()]


def _place(parameter: Any) -> str:
    name = (parameter.metavar or parameter.name or "").upper()
    return name if parameter.required else f"[{name}]"


def _flags(parameter: Any) -> str:
    return ", ".join(code(flag) for flag in [*parameter.opts, *parameter.secondary_opts])


def _default(parameter: Any) -> str:
    """Return what holds if the option is left out; nothing of a flag, or where that is nothing."""
    if parameter.required:
        return "required"
    value = parameter.default
    if callable(value) or value in (None, "", False, [], ()):
        return ""
    return code(getattr(value, "value", value))
