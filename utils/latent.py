"""The latent space, from codes alone: paths between codes and densities over them. Arrays come in, never models."""

import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.manifold import TSNE
from sklearn.mixture import GaussianMixture
from threadpoolctl import threadpool_limits

from utils import validate

KINDS = ("linear", "spherical")  # of paths
DENSITIES = ("diag", "full")


def interpolate(start, end, steps, kind="linear"):
    """Lay evenly spaced points on the paths from the codes `start` to the codes `end`.

    "linear" is the straight line (1 − t) a + t b (lecture 002, *Deep Autoencoders*). "spherical" turns the direction
    of a into that of b at constant angular speed (Shoemake, 1985), while the norm goes linearly from |a| to |b|: codes
    of one norm stay on their sphere (White, 2016).

    Args:
        start, end: codes (pairs, d), finite.
        steps: points on each path, both ends included, at least 2; t = 0, 1/(steps − 1), ..., 1.
        kind: "linear" or "spherical".

    Returns:
        (pairs, steps, d), float32 where both inputs are, else float64. The first and the last point of every path are
        exactly its ends.

    Raises:
        ValueError: for arrays that are not finite, not (pairs, d) or of different shapes, fewer than two steps, an
            unknown kind; and for spherical paths where a code is zero or two codes point in opposite directions, so
            that no shortest arc is defined.
    """
    start, end = validate.matrix("start", start), validate.matrix("end", end)
    if start.shape != end.shape:
        raise ValueError(f"start has shape {start.shape}, end {end.shape}: they must agree.")
    steps = validate.integer("steps", steps, 2)
    if kind not in KINDS:
        raise ValueError(f"kind={kind!r}: must be one of {', '.join(KINDS)}.")
    dtype = np.float32 if start.dtype == end.dtype == np.float32 else np.float64
    a, b = (codes.astype("float64")[:, None] for codes in (start, end))
    t = np.linspace(0, 1, steps)[None, :, None]
    path = ((1 - t) * a + t * b if kind == "linear" else _along_the_sphere(a, b, t)).astype(dtype)
    path[:, 0], path[:, -1] = start, end
    return path


def embed(codes, seed, perplexity=30):
    """Lay codes out in the plane by t-SNE (van der Maaten and Hinton, 2008; scikit-learn's, started from PCA).

    Near points of the map were mostly near among the codes. Distances between groups, and the sizes of groups, say
    little. Points cannot be added to a map afterwards.

    Args:
        codes: (n, d), finite, d at least 2. Distances are Euclidean, so that the scale of a unit matters.
        seed: integer of at least 0. The same one gives the same map on the same machine and with any number of its
            cores: one is used, because threads that wait for each other take longer beside other work.
        perplexity: about how many neighbours every point looks at, at least 1 and less than n / 3.

    Returns:
        (n, 2) float32.

    Raises:
        ValueError: for codes of another shape, not finite or all the same, and for settings out of range.
    """
    codes = validate.matrix("codes", codes).astype("float64")
    if codes.shape[1] < 2:
        raise ValueError("Codes of one number need no map: plot them along a line.")
    wanted = f"at least 1 and less than a third of {len(codes)} codes"
    validate.number("perplexity", perplexity, 1, len(codes) / 3, wanted, boundaries="left")
    codes = codes / np.abs(codes).max(initial=1e-300)  # first, so that no square overflows
    codes -= codes.mean(axis=0)
    spread = np.abs(codes).max()
    if spread < 1e-12:
        raise ValueError("All codes are the same: there is nothing to map.")
    tsne = TSNE(perplexity=perplexity, init="pca", learning_rate="auto", random_state=validate.seed(seed))
    with threadpool_limits(1, "openmp"):
        return tsne.fit_transform((codes / spread).astype("float32"))  # in float32 their own spread may vanish


class Density:
    """A Gaussian, or a mixture of Gaussians, fitted to codes by scikit-learn's `GaussianMixture`.

    Every Gaussian but a single one is kept from collapsing: 1e-6 of the smallest variance among the codes' units is
    added to its variances, so that the scale of the codes does not matter.

    Args:
        kind: "diag" for Gaussians whose units are independent (lecture 002: f(X) ~ N(m, Δ), Δ diagonal), "full" for
            whole covariance matrices.
        components: number of Gaussians, at least 1.
        seed: integer of at least 0, for the k-means start.
        max_iterations: of EM, at least 1. It stops sooner once the mean log-likelihood gains less than 0.001 nats.

    Attributes after `fit`: `weights` (components,), `means` (components, d), `covariances` (components, d, d), or
    (components, d) variances for "diag", and `converged`, False when EM was stopped by `max_iterations`.

    Raises:
        ValueError: for an unknown kind, or settings out of range.
    """

    def __init__(self, kind, components=1, seed=0, max_iterations=100):
        if kind not in DENSITIES:
            raise ValueError(f"kind={kind!r}: must be one of {', '.join(DENSITIES)}.")
        self._model = GaussianMixture(
            validate.integer("components", components, 1),
            covariance_type=kind,
            max_iter=validate.integer("max_iterations", max_iterations, 1),
            random_state=validate.seed(seed),
        )

    def fit(self, codes):
        """Estimate the density by maximum likelihood from codes (n, d), finite; return self.

        Raises ValueError for no more codes than dimensions or fewer than components, and where they do not fill their
        space (a unit is constant; "full": units determine another), so that the density would be infinite.
        """
        codes, model = validate.matrix("codes", codes).astype("float64"), self._model
        (n, d), components = codes.shape, model.n_components
        if n <= d or n < components:
            raise ValueError(f"{n} codes of {d} numbers for {components} components: more codes than either needed.")
        centre, scales = codes.mean(axis=0), codes.std(axis=0)
        constant = np.flatnonzero(scales <= 1e-6 * np.abs(centre))
        if len(constant):
            raise ValueError(f"Unit {constant[0]} has the same value in all codes: drop it, its density is infinite.")
        standard = np.linalg.svd((codes - centre) / scales, compute_uv=False)
        if model.covariance_type == "full" and standard[-1] <= 1e-6 * standard[0]:
            raise ValueError("The codes lie in a plane of fewer dimensions: drop units that others determine.")
        model.set_params(reg_covar=1e-6 * scales.min() ** 2 if components > 1 else 0.0)
        with warnings.catch_warnings(), threadpool_limits(1):  # on small matrices threads wait for each other
            warnings.simplefilter("ignore", ConvergenceWarning)  # `converged` says it
            model.fit(codes - centre)
        self._centre, self.weights, self.means = centre, model.weights_, model.means_ + centre
        self.covariances, self.converged = model.covariances_, bool(model.converged_)
        return self

    def sample(self, n, seed):
        """Draw n codes: float32 (n, d), in random order. The same seed (at least 0) gives the same codes.

        Raises ValueError before `fit`, and for an n that is not a positive integer.
        """
        self._fitted()
        self._model.set_params(random_state=validate.seed(seed))
        drawn, _ = self._model.sample(validate.integer("n", n, 1))
        return (np.random.default_rng(seed).permutation(drawn) + self._centre).astype("float32")

    def log_prob(self, codes):
        """Return the logarithm of the density at codes (n, d): float64 (n,), in nats.

        Raises ValueError before `fit`, and for codes of another size.
        """
        self._fitted()
        codes = validate.matrix("codes", codes).astype("float64")
        if codes.shape[1] != len(self._centre):
            raise ValueError(f"Codes of {codes.shape[1]} numbers given to a density of {len(self._centre)}.")
        return self._model.score_samples(codes - self._centre)

    def _fitted(self):
        if not hasattr(self, "converged"):
            raise ValueError("This density was not fitted: call fit(codes) first.")


def _along_the_sphere(a, b, t):
    lengths = [np.linalg.norm(codes, axis=-1, keepdims=True) for codes in (a, b)]
    for name, length in zip(("start", "end"), lengths, strict=True):
        zero = np.flatnonzero(length == 0)
        if len(zero):
            raise ValueError(f"{name}[{zero[0]}] is zero, which has no direction: use kind='linear'.")
    u, v = a / lengths[0], b / lengths[1]
    # Kahan's angle: exact near 0 and near π, where the arc cosine of the inner product is not
    angle = 2 * np.arctan2(np.linalg.norm(u - v, axis=-1, keepdims=True), np.linalg.norm(u + v, axis=-1, keepdims=True))
    opposite = np.flatnonzero(angle > np.pi - 1e-6)
    if len(opposite):
        raise ValueError(f"Pair {opposite[0]}: its codes point in opposite directions, no arc is the shortest.")
    near = angle < 1e-6
    safe = np.where(near, 1.0, angle)
    direction = np.where(near, (1 - t) * u + t * v, (np.sin((1 - t) * safe) * u + np.sin(t * safe) * v) / np.sin(safe))
    return ((1 - t) * lengths[0] + t * lengths[1]) * direction
