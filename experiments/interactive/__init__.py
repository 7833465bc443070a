"""For notebooks and scripts: what the command line does, from Python, with objects that show themselves.

`compare`, `calibrate`, `choose` and `load` lie in the files of these names; `elbowroom` offers them.
"""

import sys

from experiments.config.plugins import tell_of_imports
from hand_cavi.inputs import CONTROL


def _say(words: str) -> None:
    print(f"elbowroom: {CONTROL.sub('?', words)}", file=sys.stderr)


tell_of_imports(_say)
