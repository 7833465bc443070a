"""What symmetrising adds to the bound: KL(q, q_sym), between 0 and ln K!."""

from experiments.metrics._context import Context, average, missing
from experiments.posterior.draws import as_arrays
from experiments.posterior.symmetrised import log_factorial
from experiments.records import Measurement


def compute(context: Context) -> Measurement:
    """Return E_q[log q - log q_sym] in nats; it is F(q_sym) - F(q), with less noise than their difference."""
    stats = as_arrays(context.draws, "sample_stats")
    if "log_q" not in stats or "log_q_symmetrised" not in stats:
        return missing("it takes the densities q and q_sym, and a sampler has none", "nats")
    gain = average(stats["log_q"] - stats["log_q_symmetrised"], "nats")
    if gain.value is None:
        return gain
    mixture = context.problem.mixture
    if not mixture.weights.exchangeable:
        note = "the components are not exchangeable under these weights, so that q_sym is q"
    else:
        note = f"ln {mixture.n_components}! = {log_factorial(mixture.n_components):.4f}"
        if context.symmetrised_how != "exact":
            note += f"; {context.symmetrised_how} this"
    return Measurement(gain.value, gain.standard_error, "nats", note)
