"""What the report explains: a short glossary for each kind of study, terms with their meanings."""

OF_MIXTURES = {
    "nats": "The unit of log probabilities taken with the natural logarithm. A difference of 1 nat is a "
    "factor of e ≈ 2.72, of 0.01 nats a factor of 1.01.",
    "evidence, log p(x)": "The log probability of the data under the model, with everything unknown averaged "
    "out. It belongs to model and data, not to a method. No correct bound can exceed it.",
    "own bound": "What a variational method itself maximises: its ELBO, a lower bound on the evidence. "
    "CAVI's ELBO also pays for approximating the assignments of points to clusters; ADVI's does not, because "
    "its model has them summed out. So the two are not comparable until they are put on one scale.",
    "collapsed bound, F": "That one scale: E[log p(x, θ) − log q(θ)] under the method's q(θ), assignments "
    "summed out, for every method alike. For CAVI it is never below its own bound.",
    "label switching": "Renaming the clusters changes nothing about the data, so the exact posterior has K! "
    "mirror-image modes. A variational method describes one of them; a sampler may wander between them. "
    "Hence means are compared after sorting, draw by draw, on both sides.",
    "F symmetrised": "The collapsed bound of q averaged over all K! renamings. It takes away the price of "
    "describing only one of the mirror images: up to ln K! nats, less where clusters overlap.",
    "evidence gap": "log p(x) − F symmetrised, in nats: how much room the method leaves below the ceiling "
    "once the scale is the same. It is also KL(q symmetrised, posterior): 0 is perfect.",
    "IWAE": "The bound of importance-weighted averages: F taken over several draws at a time. It lies "
    "between F and log p(x) and rises with the number of draws, which its note states.",
    "k-hat": "How heavy the tail of the importance weights p/q is. Below its threshold averages over the "
    "weights can be trusted; above it a few draws decide them. For q as it is (p/q) and for q averaged over "
    "all renamings (p/q sym): only the second can give log p(x).",
    "sd ratio": "A method's posterior standard deviation divided by the reference's. Below 1 the method is "
    "too sure of itself, as mean-field approximations tend to be.",
    "co-clustering": "The probability that two points are in the same cluster. It does not depend on what "
    "clusters are called, so no relabelling can distort it.",
    "total variation": "Half the area between two densities, from 0 (equal) to 1 (apart). Even two sets of "
    "draws from the same posterior differ a little: that is the noise floor.",
    "± in bounds and in means": "Beside a bound, ± is a standard error: how uncertain the number is, by "
    "Monte Carlo. No ± means that the error is too small for the digits shown. Beside a posterior mean, ± is "
    "the posterior's standard deviation: how uncertain the method is.",
    "fit to the data": "Agreeing with the reference is one thing, fitting the data another: where the model "
    "is wrong, the exact posterior fits no better. New points are drawn from what was fitted, and the data "
    "are held against them. The p-value is the chance that data from the fitted mixture itself would stray "
    "as far, anywhere. The data serve twice, to fit and to check, so that it is rather too large.",
    "reference": "What stands for the truth: enumeration or quadrature where feasible, otherwise estimates "
    "and sampler runs that passed their own checks. Without one, no verdict is given.",
    "threshold": "What a figure is held against, where a line should be drawn. Whether it comes from the "
    "literature or is a convention of this project stands beside it.",
    "verdict and margin": "A method passes where the whole interval for its difference from the reference "
    "lies within the margin, fails where it lies outside, and stays undecided where it straddles it. "
    "Differences are in reference standard deviations. The margin is a convention of this project, set in "
    "the config. ✓, ✗ and ? stand for pass, fail and undecided, and for nothing else.",
    "effective draws per second": "Effective sample size (ESS) per second of running: how many independent "
    "draws a sampler's correlated draws are worth. Draws from a variational approximation are independent, "
    "so the figure does not exist for them.",
}

OF_OWN = {
    "own bound": "What a variational method itself maximises, in nats. For a hand-derived method it is the "
    "sum of the terms that the derivation returns.",
    "F": "E[ln p(x, θ) − ln q(θ)], with the PyMC model's joint density p and the method's own q, by Monte "
    "Carlo. θ is what the PyMC model has; whatever else the derivation has is summed out. F is never below "
    "the method's own bound, nor above ln p(x). Where nothing is summed out, a hand-derived bound and F are "
    "one number; if they agree, derivation and PyMC model are the same model.",
    "k-hat": "How heavy the tail of p/q is. Above its threshold q misses parts of the posterior by far.",
    "reference": "NUTS, if it qualifies: R-hat below 1.01 and effective sample sizes above 400 for every "
    "quantity, no divergences, E-FMI above 0.2. Otherwise there is no verdict.",
    "verdict": "Pass: every posterior mean and standard deviation lies within the margins, errors included. "
    "Fail: one lies outside, errors included, or the method shows what no correct one can. Undecided: the "
    "errors are too large, or there is no reference.",
}

OF_CALIBRATION = {
    "calibrated": "Of all data sets that the model may produce, a method's 80 % intervals hold the truth in "
    "80 %, and so on for every level and every quantity. The exact posterior is calibrated by definition: "
    "the truth is a draw from it.",
    "place": "Where the truth lies among a method's draws, from 0 (below all) to 1 (above all). For a "
    "calibrated method it is uniform over many data sets. Ties are broken at random; draws of a chain are "
    "thinned to their effective sample size; CAVI's sorted locations are placed by their exact distribution.",
    "over-confident, under-confident": "Truths at both ends more often than they should: the posterior is "
    "too narrow. In the middle: too wide.",
    "log likelihood, log joint": "How well parameters explain the data. A truth that explains them worse "
    "than nearly all of a method's draws means draws that stay too close to the best fit: that too is "
    "over-confidence, although it shows as a shift (the method sits too high).",
    "two points together": "The probability, given the parameters, that the first two points come from one "
    "component.",
    "symmetry (VSBC)": "The chance of so slanted a histogram of places if it were symmetric; small if a "
    "posterior is off to one side (Yao et al. 2018). Exact, by Butler's test.",
}
