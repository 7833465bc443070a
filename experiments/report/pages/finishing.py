"""What is done to a whole page, once its parts are put together: its contents, its script, no sentence twice.

A part of a page is drawn without regard to the others. Templates mark what may be said in several of them as
``<span class="says" data-again="WORDS">``; what a page has said before is left out, and the words, if there
are any, become a link to it.
"""

import re
from base64 import b64encode
from functools import cache
from hashlib import sha256
from html import unescape
from importlib.resources import files

from markupsafe import escape

_SAYS = re.compile(r'<span class="says" data-again="([^"]*)">([^<]*)</span>')
_SENTENCES = re.compile(r"(?<=[.?!])\s+(?=[A-Z“])")
HOW_TO_READ = "How to read it"
"""What the link to an explanation is called."""
_LEAST_WORDS = 4  # of what counts as a sentence
_HEADING = re.compile(r'<h2 id="([^"]+)-head">(.*?)</h2>', re.DOTALL)
_CONTENTS = "<!--contents-->"
_SCRIPT = "<!--script-->"
_HASH = "SCRIPT-HASH"


@cache
def script() -> str:
    """Return the page's script without its comments and indentation."""
    text = files("experiments.report").joinpath("templates/page.js").read_text(encoding="utf-8")
    lines = (line.strip() for line in text.splitlines())
    return "\n".join(line for line in lines if line and not line.startswith("//"))


def finished(page: str) -> str:
    """Return a page with its contents and its script, and without what it says for the second time."""
    page = without_repeats(page)
    code = script()
    proof = b64encode(sha256(code.encode()).digest()).decode()
    page = page.replace(_HASH, f"sha256-{proof}", 1).replace(_CONTENTS, _contents(page), 1)
    return page.replace(_SCRIPT, f"<script>{code}</script>", 1)


def without_repeats(page: str) -> str:
    """Return a page in which each sentence of what is marked stands once."""
    first: dict[str, int] = {}  # in which of the marked texts each sentence was said
    texts = _SAYS.findall(page)
    aims: set[int] = set()
    shown = []
    for number, (again, text) in enumerate(texts):
        sentences = _SENTENCES.split(text.strip())
        old = [one for one in sentences if one in first and len(one.split()) >= _LEAST_WORDS]
        new = [one for one in sentences if one not in old]
        for one in new:
            first.setdefault(one, number)
        if old and (again or not new):
            aims.add(first[old[0]])
            opening = "" if new or again == HOW_TO_READ else f"{_opening(old[0])} "
            explained = again == HOW_TO_READ and len(old) > len(new)
            words = again if explained else "(the rest as above)" if new else "as above"
            new.append(f'{opening}<a class="again" href="#said-{first[old[0]]}">{words}</a>')
        shown.append(" ".join(new))
    numbers = iter(range(len(shown)))

    def put(_: re.Match[str]) -> str:
        number = next(numbers)
        return f'<span id="said-{number}">{shown[number]}</span>' if number in aims else shown[number]

    return _SAYS.sub(put, page)


def _opening(sentence: str) -> str:
    """Return how a sentence begins: its words up to a colon, or the first six."""
    head, colon, _ = sentence.partition(": ")
    return f"{head}:" if colon and len(head.split()) <= 8 else f"{' '.join(sentence.split()[:6])} …"


def _contents(page: str) -> str:
    """Return the list of a page's sections."""
    items = [
        f'<li><a href="#{anchor}">{escape(unescape(re.sub("<[^>]*>", "", title)))}</a></li>'
        for anchor, title in _HEADING.findall(page)
    ]
    top = '<li><a href="#verdict">Verdict</a></li>'
    return f'<nav class="contents" aria-label="Contents"><ul>{top}{"".join(items)}</ul></nav>'
