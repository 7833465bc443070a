"""`elbowroom list`: what there is to choose from, with what each file says of itself."""

from experiments.commands._output import Json, print_json


def list_(json: Json = False) -> None:
    """List methods, datasets, metrics, references, families and weights."""
    from experiments.plugins import ROOMS, about, names

    found = {room: {name: about(room, name) for name in names(room)} for room in ROOMS}
    if json:
        print_json(found)
        return
    width = max(len(name) for room in found.values() for name in room)
    for room, entries in found.items():
        print(room)
        for name, sentence in entries.items():
            print(f"  {name:<{width}}  {sentence}")
