"""What the report explains: a short glossary, and the caveats that its own record calls for."""

from experiments.records import StudyRecord
from experiments.report.style.palette import MethodStyle
from experiments.report.view import View, warmth

GLOSSARY: tuple[tuple[str, str], ...] = (
    (
        "nats",
        "The unit of log probabilities taken with the natural logarithm. A difference of 1 nat is a factor "
        "of e ≈ 2.72, of 0.01 nats a factor of 1.01.",
    ),
    (
        "evidence, log p(x)",
        "The log probability of the data under the model, with everything unknown averaged out. It belongs "
        "to model and data, not to a method. No correct bound can exceed it.",
    ),
    (
        "own bound",
        "What a variational method itself maximises: its ELBO, a lower bound on the evidence. CAVI's ELBO "
        "also pays for approximating the assignments of points to clusters; ADVI's does not, because its "
        "model has them summed out. So the two are not comparable until they are put on one scale.",
    ),
    (
        "collapsed bound, F",
        "That one scale: E[log p(x, θ) − log q(θ)] under the method's q(θ), assignments summed out, for "
        "every method alike. For CAVI it is never below its own bound.",
    ),
    (
        "label switching",
        "Renaming the clusters changes nothing about the data, so the exact posterior has K! mirror-image "
        "modes. A variational method describes one of them; a sampler may wander between them. Hence means "
        "are compared after sorting, draw by draw, on both sides.",
    ),
    (
        "F symmetrised",
        "The collapsed bound of q averaged over all K! renamings. It takes away the price of describing "
        "only one of the mirror images: up to ln K! nats, less where clusters overlap.",
    ),
    (
        "evidence gap",
        "log p(x) − F symmetrised, in nats: how much room the method leaves below the ceiling once the "
        "scale is the same. It is also KL(q symmetrised, posterior): 0 is perfect.",
    ),
    (
        "IWAE",
        "The bound of importance-weighted averages: F taken over several draws at a time. It lies between F "
        "and log p(x) and rises with the number of draws, which its note states.",
    ),
    (
        "k-hat",
        "How heavy the tail of the importance weights p/q is. Below its threshold averages over the weights "
        "can be trusted; above it a few draws decide them. For q as it is (p/q) and for q averaged over all "
        "renamings (p/q sym): only the second can give log p(x).",
    ),
    (
        "sd ratio",
        "A method's posterior standard deviation divided by the reference's. Below 1 the method is too sure "
        "of itself, as mean-field approximations tend to be.",
    ),
    (
        "co-clustering",
        "The probability that two points are in the same cluster. It does not depend on what clusters are "
        "called, so no relabelling can distort it.",
    ),
    (
        "total variation",
        "Half the area between two densities, from 0 (equal) to 1 (apart). Even two sets of draws from the "
        "same posterior differ a little: that is the noise floor.",
    ),
    (
        "± in bounds and in means",
        "Beside a bound, ± is a standard error: how uncertain the number is, by Monte Carlo. No ± means "
        "exact up to rounding. Beside a posterior mean, ± is the posterior's standard deviation: how "
        "uncertain the method is.",
    ),
    (
        "reference",
        "What stands for the truth: enumeration or quadrature where feasible, otherwise estimates and "
        "sampler runs that passed their own checks. Without one, no verdict is given.",
    ),
    (
        "threshold",
        "What a figure is held against, where a line should be drawn. Whether it comes from the literature "
        "or is a convention of this project stands beside it.",
    ),
    (
        "verdict and margin",
        "A method passes where the whole interval for its difference from the reference lies within the "
        "margin, fails where it lies outside, and stays undecided where it straddles it. Differences are "
        "in reference standard deviations. The margin is a convention of this project, set in the config.",
    ),
    (
        "effective draws per second",
        "Effective sample size (ESS) per second of running: how many independent draws a sampler's "
        "correlated draws are worth. Draws from a variational approximation are independent, so the figure "
        "does not exist for them.",
    ),
)


def caveats(record: StudyRecord, views: list[View], styles: dict[str, MethodStyle]) -> list[str]:
    """Return what a careful reader should hold against the numbers of this study."""
    found = [_cache(record, styles)] if _prepared(record) else []
    found.append(
        "Wall times were taken once, on the machine named below, with other cells possibly running beside "
        "them: read them as orders of magnitude."
    )
    failed = [
        f"{styles[cell.cell.method].label} on {problem.dataset} ({cell.status.replace('_', ' ')})"
        for problem in record.problems
        for cell in problem.cells
        if cell.status != "ok"
    ]
    if failed:
        found.append(f"Without a result: {'; '.join(failed)}. No figure was put in their place.")
    for problem in record.problems:
        if not problem.reference.qualified:
            found.append(f"{problem.dataset}, {problem.model}: no verdict. {problem.reference.reason}")
    if any("advi" in cell.cell.method for problem in record.problems for cell in problem.cells):
        found.append(
            "ADVI's bounds are Monte-Carlo estimates at whatever optimum its restarts found; another seed "
            "may find another."
        )
    found.append(
        "Sorted means are a fair quantity for every method, but where clusters overlap they are not the "
        "clusters' own means."
    )
    found.extend(f"{view.record.dataset}, {note}." for view in views for note in view.notes)
    return found


def _prepared(record: StudyRecord) -> bool:
    return any("cache_warm" in cell.info for problem in record.problems for cell in problem.cells)


def _cache(record: StudyRecord, styles: dict[str, MethodStyle]) -> str:
    found: dict[str, list[str]] = {"warm": [], "cold": [], "reused": []}
    for problem in record.problems:
        for cell in problem.cells:
            if how := warmth(cell):
                found[how].append(styles[cell.cell.method].label)
    reused = ", ".join(dict.fromkeys(found.pop("reused")))
    parts = [f"{word} for {', '.join(dict.fromkeys(names))}" for word, names in found.items() if names]
    if reused:
        parts.append(f"not needed for {reused}, whose model had been compiled for other data before")
    if not parts:
        return (
            "Whether the compiler's cache was warm is unknown, so compile times cannot be compared with "
            "those of other runs."
        )
    return (
        f"The compiler's cache was {' and '.join(parts)}. Compile times with a cold cache are several times "
        "those with a warm one, so compare them only like with like."
    )


def as_sentence(text: str, *, begin: bool = True) -> str:
    """Return text with one full stop at its end and, where it begins a sentence, a capital letter."""
    text = text.rstrip(". ") + "."
    return text[:1].upper() + text[1:] if begin else text
