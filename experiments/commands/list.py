"""`elbowroom list`: what there is to choose from, with what each file says of itself."""

from experiments.commands._output import Json, print_json
from experiments.commands._wrapping import say


def list_(json: Json = False) -> None:
    """List methods, data sets, metrics, references and families.

    Weights and derivations to check, too.
    """
    from experiments.checks.loading import shipped
    from experiments.config.plugins import PACKAGES, about, names

    found = {kind: {name: about(kind, name) for name in names(kind)} for kind in PACKAGES}
    found["derivations"] = dict.fromkeys(
        shipped(), "A mixture's own updates and bound, for `elbowroom check`."
    )
    if json:
        print_json(found)
        return
    for kind, entries in found.items():
        width = max(map(len, entries))
        print(kind)
        for name, sentence in entries.items():
            say(f"  {name:<{width}}  {sentence}", indent=width + 2)
