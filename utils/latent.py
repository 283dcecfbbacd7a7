"""The latent space, from codes alone: paths between codes and densities over them. Arrays come in, never models."""

import warnings

import numpy as np
from scipy.linalg import cholesky, solve_triangular
from scipy.special import logsumexp
from sklearn.exceptions import ConvergenceWarning
from sklearn.manifold import TSNE
from sklearn.mixture import GaussianMixture
from threadpoolctl import threadpool_limits

KINDS = ("linear", "spherical")


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
    start, end = _codes("start", start), _codes("end", end)
    if start.shape != end.shape:
        raise ValueError(f"start has shape {start.shape}, end {end.shape}: they must agree.")
    if isinstance(steps, bool) or not isinstance(steps, int | np.integer) or steps < 2:
        raise ValueError(f"steps={steps!r}: must be an integer of at least 2, both ends included.")
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
    codes = _codes("codes", codes)
    if codes.shape[1] < 2:
        raise ValueError("Codes of one number need no map: plot them along a line.")
    if np.ptp(codes, axis=0).max() == 0:
        raise ValueError("All codes are the same: there is nothing to map.")
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise ValueError(f"seed={seed!r}: must be an integer of at least 0.")
    if not 1 <= perplexity < len(codes) / 3:
        raise ValueError(f"perplexity={perplexity!r}: must be at least 1 and less than a third of {len(codes)} codes.")
    tsne = TSNE(perplexity=perplexity, init="pca", learning_rate="auto", random_state=int(seed))
    with threadpool_limits(1, "openmp"):
        return tsne.fit_transform(codes.astype("float32"))


class _Density:
    """What the densities share: `fit`, `sample` and `log_prob` check their arguments here, subclasses do the work."""

    size = None  # d, once fitted

    def fit(self, codes):
        """Estimate the density by maximum likelihood from codes (n, d), n > d, finite; return self.

        Raises ValueError when there are too few codes, or when they do not fill the space, so that the density would
        be infinite.
        """
        codes = _codes("codes", codes).astype("float64")
        if len(codes) <= codes.shape[1]:
            raise ValueError(
                f"{len(codes)} codes in {codes.shape[1]} dimensions: more codes than dimensions are needed."
            )
        self._estimate(codes)
        self.size = codes.shape[1]
        return self

    def sample(self, n, seed):
        """Draw n codes: float32 (n, d). The same seed (an integer of at least 0) gives the same codes.

        Raises ValueError before `fit`, and for an n that is not a positive integer.
        """
        self._fitted()
        if isinstance(n, bool) or not isinstance(n, int | np.integer) or n < 1:
            raise ValueError(f"n={n!r}: must be a positive integer.")
        if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
            raise ValueError(f"seed={seed!r}: must be an integer of at least 0.")
        return self._draw(int(n), np.random.default_rng(seed)).astype("float32")

    def log_prob(self, codes):
        """Return the logarithm of the density at codes (n, d): float64 (n,), in nats.

        Raises ValueError before `fit`, and for codes of another size.
        """
        self._fitted()
        codes = _codes("codes", codes).astype("float64")
        if codes.shape[1] != self.size:
            raise ValueError(f"Codes of {codes.shape[1]} numbers given to a density of {self.size}.")
        return self._log_density(codes)

    def _fitted(self):
        if self.size is None:
            raise ValueError(f"This {type(self).__name__} was not fitted: call fit(codes) first.")


class DiagonalGaussian(_Density):
    """One Gaussian whose units are independent (lecture 002: f(X) ~ N(m, Δ), Δ diagonal).

    Attributes after `fit`: `mean` and `variance`, (d,) each.
    """

    def _estimate(self, codes):
        self.mean, self.variance = codes.mean(axis=0), codes.var(axis=0)
        constant = np.flatnonzero(self.variance <= 1e-12 * np.maximum(1, self.mean**2))
        if len(constant):
            raise ValueError(f"Unit {constant[0]} has the same value in all codes: drop it, its density is infinite.")

    def _draw(self, n, rng):
        return self.mean + np.sqrt(self.variance) * rng.standard_normal((n, len(self.mean)))

    def _log_density(self, codes):
        squares = (codes - self.mean) ** 2 / self.variance
        return -0.5 * (squares + np.log(2 * np.pi * self.variance)).sum(axis=1)


class FullGaussian(_Density):
    """One Gaussian with a full covariance matrix.

    Attributes after `fit`: `mean` (d,) and `covariance` (d, d).
    """

    def _estimate(self, codes):
        self.mean, self.covariance = codes.mean(axis=0), np.atleast_2d(np.cov(codes.T, bias=True))
        scales = np.linalg.eigvalsh(self.covariance)
        if scales[0] <= 1e-12 * max(scales[-1], 1e-300):
            raise ValueError("The codes lie in a plane of fewer dimensions: drop units that others determine.")
        self._root = cholesky(self.covariance, lower=True)

    def _draw(self, n, rng):
        return self.mean + rng.standard_normal((n, len(self.mean))) @ self._root.T

    def _log_density(self, codes):
        return _log_normal(codes, self.mean, self._root)


class Mixture(_Density):
    """A mixture of Gaussians with full covariance matrices, fitted by scikit-learn's `GaussianMixture` (EM).

    Args:
        components: number of Gaussians.
        seed: integer of at least 0, for the k-means start.
        max_iterations: of EM. It stops sooner once the mean log-likelihood gains less than 0.001 nats.

    Attributes after `fit`: `weights` (components,), `means` (components, d), `covariances` (components, d, d), and
    `converged`, False when EM was stopped by `max_iterations`.

    Raises:
        ValueError: for arguments out of range; `fit` also where there are fewer codes than components.
    """

    def __init__(self, components, seed, max_iterations=100):
        for name, value, low in (
            ("components", components, 1),
            ("seed", seed, 0),
            ("max_iterations", max_iterations, 1),
        ):
            if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < low:
                raise ValueError(f"{name}={value!r}: must be an integer of at least {low}.")
        self.components, self.seed, self.max_iterations = int(components), int(seed), int(max_iterations)

    def _estimate(self, codes):
        if len(codes) < self.components:
            raise ValueError(
                f"{len(codes)} codes for {self.components} components: give more codes, or fewer components."
            )
        model = GaussianMixture(self.components, max_iter=self.max_iterations, random_state=self.seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # `converged` says it
            model.fit(codes)
        self.weights, self.means, self.covariances = model.weights_, model.means_, model.covariances_
        self.converged = bool(model.converged_)
        self._roots = [cholesky(covariance, lower=True) for covariance in self.covariances]

    def _draw(self, n, rng):
        counts = rng.multinomial(n, self.weights / self.weights.sum())
        size = self.means.shape[1]
        parts = [
            mean + rng.standard_normal((count, size)) @ root.T
            for mean, root, count in zip(self.means, self._roots, counts, strict=True)
        ]
        return rng.permutation(np.concatenate(parts))

    def _log_density(self, codes):
        parts = [_log_normal(codes, mean, root) for mean, root in zip(self.means, self._roots, strict=True)]
        return logsumexp(np.stack(parts, axis=1) + np.log(self.weights), axis=1)


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


def _log_normal(codes, mean, root):
    """Log-density of N(mean, root rootᵀ) at codes (n, d), root lower triangular: (n,)."""
    whitened = solve_triangular(root, (codes - mean).T, lower=True)
    constant = len(mean) * np.log(2 * np.pi) + 2 * np.log(np.diag(root)).sum()
    return -0.5 * ((whitened**2).sum(axis=0) + constant)


def _codes(name, codes):
    codes = np.asarray(codes)
    if codes.ndim != 2 or codes.size == 0 or codes.dtype.kind not in "biuf":
        raise ValueError(f"{name} has dtype {codes.dtype} and shape {codes.shape}: numbers of shape (n, d) expected.")
    if not np.isfinite(codes).all():
        raise ValueError(f"{name} holds {np.count_nonzero(~np.isfinite(codes))} values that are NaN or infinite.")
    return codes
