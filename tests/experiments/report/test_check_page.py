"""The page of a check: verdict first, every question somewhere, in full or not at all, and the command."""

import json
import re
from html.parser import HTMLParser

import pytest

from experiments.checks import BOUND, Decision, Fault, Report, Result
from experiments.checks.loading import skeleton
from experiments.checks.suite import CHECKS
from experiments.report.pages.check import ABOUT, render, verdict, write_check_page
from hand_cavi import InputError

GOOD = (
    Result("density", "mu", Decision.PASSED, "Fine.", 0.01, 0.05, p_value=0.4, draws=1000),
    Result("definition", "mu", Decision.PASSED, "Off by -1.5e-07.", 0.01, 0.041, p_value=0.4, draws=1000),
    Result("elbo", BOUND, Decision.PASSED, "The ELBO is right.", 0.01, 0.02, p_value=0.4, draws=4000),
    Result("elbo", BOUND, Decision.PASSED, "A term is right.", 0.01, 0.03, p_value=0.4, draws=4000),
    Result("ascent", "mu", Decision.PASSED, "No fall.", 0.0, 1e-9),
    Result("symmetry", "all factors", Decision.SKIPPED, "Nothing stated."),
)
BAD = Result("definition", "mu<x>", Decision.FAILED, "Off by 0.32 & low.", 0.32, 0.4, p_value=0.0, draws=4000)
FAULT = Fault("definition", "mu<x>", BAD.sentence)


def report(*results, faults=()):
    return Report(results, tuple(faults), 0.005, 1.25)


class Page(HTMLParser):
    """Texts in the order of reading, tags as they open and close, and what is referred to."""

    def __init__(self, text):
        super().__init__()
        self.text, self.open, self.links, self.ids, self.rows = [], [], [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        self.links += [values[key] for key in ("href", "src") if key in values]
        self.ids += [values["id"]] if "id" in values else []
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th") and self.rows:
            self.rows[-1].append("")
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" in self.open:
            return
        self.text.append(data)
        if "table" in self.open and self.rows and self.rows[-1]:
            self.rows[-1][-1] += data.strip()


def test_the_verdict_comes_first_and_every_question_is_there():
    page = Page(render({"my_model.py:Derivation": report(*GOOD)}, seed=7))
    text = " ".join("".join(page.text).split())
    assert text.index("Nothing wrong was found: 5 questions were answered; 1 more could") < 200
    assert all(r.sentence in text for r in GOOD if "e-07" not in r.sentence)
    assert "Off by \N{MINUS SIGN}10⁻⁶." in text and "at most 0.5 %" in text  # rounded upwards
    assert all(sentence in text for sentence in ABOUT.values()) and set(ABOUT) == set(CHECKS)
    assert "1000, then 4000" in text and "numpy" in text
    assert page.open == []
    assert all(link.startswith("#") and link[1:] in page.ids for link in page.links)
    assert len(set(page.ids)) == len(page.ids)


def test_the_table_has_a_mark_for_every_factor_and_check():
    rows = {row[0]: row[1:] for row in Page(render({"a": report(*GOOD)}, seed=1)).rows}
    assert rows["Check"] == ["mu", "the whole"]
    assert rows["Definition"] == ["✓passed≤ 0.041", ""]
    assert rows["ELBO"] == ["", "✓passed≤ 0.03"]  # of two questions, the one that leaves most room
    assert rows["Ascent"] == ["✓passed", ""] and rows["Symmetry and limits"] == ["", "–skipped"]
    assert rows["Fixed point"] == ["", ""]


def test_a_fault_is_told_at_once_and_names_are_only_text():
    html = render({"<b>": report(*GOOD, BAD, faults=[FAULT])}, seed=1)
    assert "mu<x>" not in html and "<b>" not in html
    page = Page(html)
    text = " ".join("".join(page.text).split())
    assert text.index("Something is wrong with q(mu<x>).") < text.index("Off by 0.32 & low.") < 250
    rows = {row[0]: row[1:] for row in page.rows}
    assert rows["Definition"] == ["✓passed≤ 0.041", "✗failed0.32", ""]


def test_what_has_no_noise_has_no_p_value():
    exact = Result("definition", "mu", Decision.PASSED, "Optimal.", 1e-12, 1e-6, p_value=1.0, draws=104)
    text = " ".join("".join(Page(render({"a": report(exact, GOOD[0])}, seed=1)).text).split())
    assert "Optimal. no noise, 104 draws" in text
    assert "Fine. p = 0.4000, 1000 draws" in text


@pytest.mark.parametrize(
    ("results", "mark", "words"),
    [
        (GOOD[:2], "pass", "2 questions were answered."),
        ((*GOOD[:2], Result("elbo", BOUND, Decision.UNDECIDED, "?")), "undecided", "could not decide 1 of 3"),
    ],
)
def test_the_verdict_in_words(results, mark, words):
    decision, sentence = verdict(report(*results))
    assert decision == mark and words in sentence


def test_several_derivations_share_a_page():
    text = render({"one": report(*GOOD), "two": report(BAD, faults=[FAULT])}, seed=1)
    page = Page(text)
    assert "Something is wrong with 1 of 2 derivations." in "".join(page.text)
    assert {"#derivation-1", "#derivation-2"} <= set(page.links)
    assert len(set(page.ids)) == len(page.ids) and not re.search(r"https?://", text)


def test_the_file_is_there_in_full_or_not_at_all(tmp_path):
    target = tmp_path / "page.html"
    write_check_page({"a": report(*GOOD)}, target, seed=1)
    assert target.read_text(encoding="utf-8").endswith("</html>") and list(tmp_path.iterdir()) == [target]
    with pytest.raises(InputError, match="cannot be written"):
        write_check_page({"a": report(*GOOD)}, target / "page.html", seed=1)


# ---- the command ----------------------------------------------------------------------------


@pytest.fixture
def here(here):
    """A folder with a derivation; the current one."""
    (here / "my_checked_model.py").write_text(skeleton())
    return here


def test_check_writes_the_page_and_says_where(here, elbowroom):
    name = "my_checked_model.py:Derivation"
    code, out, err = elbowroom("check", name, "--html", "pages/check.html", "--json")
    document = json.loads(out)
    assert code == 0 and err == "" and document["passed"] is True
    assert document["report"] == "pages/check.html"
    assert name in (here / "pages" / "check.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("target", "words"), [("check.pdf", "must end in .html"), ("dir.html", "is a folder")]
)
def test_a_page_that_cannot_be_written_is_refused_before_the_check(here, elbowroom, target, words):
    (here / "dir.html").mkdir()
    code, out, err = elbowroom("check", "my_checked_model.py:Derivation", "--html", target)
    assert code == 2 and out == "" and words in err


def test_shipped_derivations_are_listed(elbowroom):
    listed = json.loads(elbowroom("list", "--json")[1])
    assert "mixture:normal_gamma+dirichlet" in listed["derivations"]
