"""The variational autoencoder: its KL, sampler, objective and likelihood against closed forms, quadrature and NumPy."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers, ops
from scipy import integrate, stats
from scipy.special import expit, logsumexp

from utils.corruptions import Binarize, binarize
from utils.layers import Sampler
from utils.metrics import importance_sampled_nll
from utils.models import Autoencoder, BaseAutoencoder, VariationalAutoencoder, kl_divergence, variational
from utils.training import fit

SHAPE = (2, 3, 1)


@pytest.fixture
def x():
    """Seven images of 2x3 pixels, each 0 or 1."""
    return np.random.default_rng(0).integers(0, 2, (7, *SHAPE)).astype("float32")


@pytest.fixture(autouse=True)
def seeded():
    keras.utils.set_random_seed(1)


def small(code=2, hidden=(5,), beta=1.0, seed=3, shape=SHAPE, scale=2.0, **kwargs):
    """A little VAE with weights large enough that nothing is nearly linear."""
    model = variational(hidden, code, beta=beta, seed=seed, input_shape=shape, **kwargs)
    rng = np.random.default_rng(5)
    model.set_weights([scale * rng.normal(size=w.shape) / np.sqrt(w.shape[0]) for w in model.get_weights()])
    return model


def parts(model):
    """The layers from the image to the logits."""
    return [*model.encoder.layers, *model.decoder.layers]


def normals(n, seed):
    return np.random.default_rng(seed).normal(size=n)


# --- the KL divergence


def test_the_kl_is_zero_at_the_prior_and_only_there():
    assert kl_divergence(np.zeros((2, 3)), np.zeros((2, 3))).tolist() == [[0] * 3] * 2
    mean, log_variance = (values.ravel() for values in np.meshgrid(np.linspace(-2, 2, 9), np.linspace(-4, 3, 15)))
    kl = kl_divergence(mean, log_variance)
    prior = (mean == 0) & (log_variance == 0)
    assert prior.sum() == 1
    assert (kl[~prior] > 1e-3).all()
    assert kl[prior] == 0


@pytest.mark.parametrize(("mean", "log_variance"), [(0.0, 1.0), (0.7, -1.5), (-2.0, 0.3), (1.5, 0.0)])
def test_the_kl_agrees_with_monte_carlo_and_with_quadrature(mean, log_variance):
    sigma = np.exp(log_variance / 2)
    (kl,) = kl_divergence(np.array([mean]), np.array([log_variance]))
    z = mean + sigma * normals(200_000, 1)
    ratio = stats.norm.logpdf(z, mean, sigma) - stats.norm.logpdf(z)
    assert abs(ratio.mean() - kl) < 5 * ratio.std() / np.sqrt(len(z))
    integral, _ = integrate.quad(
        lambda t: stats.norm.pdf(t, mean, sigma) * (stats.norm.logpdf(t, mean, sigma) - stats.norm.logpdf(t)),
        mean - 12 * sigma,
        mean + 12 * sigma,
    )
    assert kl == pytest.approx(integral, rel=1e-6)


def test_the_kl_of_a_code_is_the_sum_over_its_units():
    mean, log_variance = normals((3, 4), 1), normals((3, 4), 2)
    for m, v, kl in zip(mean, np.exp(log_variance), kl_divergence(mean, log_variance), strict=True):
        whole = (np.trace(np.diag(v)) + m @ m - 4 - np.linalg.slogdet(np.diag(v))[1]) / 2  # of matrices
        assert kl.sum() == pytest.approx(whole)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_kl_is_never_negative_not_even_by_rounding(dtype):
    tiny = np.concatenate([10.0 ** np.arange(-12, 2), -(10.0 ** np.arange(-12, 2)), normals(1000, 3) * 1e-4])
    kl = kl_divergence(np.zeros_like(tiny, dtype), tiny.astype(dtype))
    assert kl.dtype == dtype
    assert kl.min() >= 0
    exact = kl_divergence(np.zeros(1), np.array([1e-3]))
    assert exact[0] == pytest.approx(1e-6 / 4 * (1 + 1e-3 / 3), rel=1e-6)  # e^t - 1 - t = t²/2 + t³/6 + ...


def test_the_kl_has_the_gradient_of_its_formula():
    mean, log_variance = (tf.Variable(normals((3, 2), seed)) for seed in (1, 2))
    with tf.GradientTape() as tape:
        kl = kl_divergence(mean, log_variance)
    assert tf.is_tensor(kl)
    by_mean, by_log_variance = tape.gradient(kl, [mean, log_variance])
    np.testing.assert_allclose(by_mean, mean)
    np.testing.assert_allclose(by_log_variance, (np.exp(log_variance) - 1) / 2)


def test_the_kl_refuses_shapes_that_differ():
    with pytest.raises(ValueError, match=r"\(2, 3\).*\(3,\)"):
        kl_divergence(np.zeros((2, 3)), np.zeros(3))


# --- the sampler


def test_draws_have_the_mean_and_the_variance_they_are_given():
    mean, log_variance = np.array([0.5, -3, 0], "float32"), np.array([0, 2, -4], "float32")
    z = np.asarray(Sampler(1)(np.tile(mean, (20_000, 1)), np.tile(log_variance, (20_000, 1))))
    eps = (z - mean) / np.exp(log_variance / 2)
    assert stats.kstest(eps.ravel(), "norm").pvalue > 1e-3
    np.testing.assert_allclose(np.corrcoef(eps.T), np.eye(3), atol=0.03)


@pytest.mark.parametrize("xla", [None, False, True])
def test_every_call_draws_anew_and_a_seed_repeats_the_sequence(xla):
    def sequence(seed):
        sampler = Sampler(seed)
        call = sampler if xla is None else tf.function(sampler, jit_compile=xla)
        return [np.asarray(call(tf.zeros((4, 2)), tf.zeros((4, 2)))) for _ in range(3)]

    first = sequence(7)
    np.testing.assert_array_equal(first, sequence(7))
    drawn = [*first, *sequence(8)]
    assert all(np.abs(a - b).max() > 0.1 for a, b in itertools.combinations(drawn, 2))


def test_without_a_seed_the_sampler_follows_the_global_one():
    def drawn():
        return np.asarray(Sampler()(tf.zeros((4, 2)), tf.zeros((4, 2))))

    first, second = drawn(), drawn()
    keras.utils.set_random_seed(1)
    np.testing.assert_array_equal(drawn(), first)
    assert np.abs(first - second).max() > 0.1


def test_the_gradient_passes_the_sampler():
    """Against central differences with the same eps, which a new sampler with the same seed draws again."""

    def value(mean, log_variance):
        return ops.sum(ops.sin(Sampler(4, dtype="float64")(mean, log_variance)))

    at = [tf.Variable(normals((3, 2), seed)) for seed in (1, 2)]
    with tf.GradientTape() as tape:
        result = value(*at)
    for k, gradient in enumerate(tape.gradient(result, at)):
        for place in np.ndindex(3, 2):
            step = np.zeros((3, 2))
            step[place] = 1e-5
            up, down = ([a + sign * step * (i == k) for i, a in enumerate(at)] for sign in (1, -1))
            difference = float(value(*up) - value(*down)) / 2e-5
            assert float(gradient[place]) == pytest.approx(difference, rel=1e-5)


def test_zero_is_a_seed(x):
    zero, one = (Sampler(seed)(tf.zeros((4, 2)), tf.zeros((4, 2))) for seed in (0, 1))
    assert np.abs(zero - one).max() > 0.1
    np.testing.assert_array_equal(small().sample(3, 0), small().sample(3, 0))


def test_without_a_seed_many_draws_differ():
    model = small()
    assert len({model.sample(1).tobytes() for _ in range(60)}) == 60


@pytest.mark.parametrize("seed", [-1, 1.5, True, "1"])
@pytest.mark.parametrize("layer", [Sampler, Binarize])
def test_bad_seeds_are_refused(layer, seed):
    with pytest.raises(ValueError, match="seed="):
        layer(seed)


def test_the_sampler_refuses_shapes_that_differ():
    with pytest.raises(ValueError, match="must agree"):
        Sampler()(tf.zeros((4, 2)), tf.zeros((4, 3)))


# --- the objective


def by_hand(target, outputs, beta):
    """The three numbers of a batch in float64, from the formulas."""
    outputs = {name: np.asarray(values, "float64") for name, values in outputs.items()}
    p, mean, variance = expit(outputs["logits"]), outputs["mean"], np.exp(outputs["log_variance"])
    reconstruction = -(target * np.log(p) + (1 - target) * np.log(1 - p)).sum(axis=(1, 2, 3)).mean()
    kl = 0.5 * (mean**2 + variance - 1 - np.log(variance)).sum(axis=1).mean()
    return {"loss": reconstruction + beta * kl, "reconstruction": reconstruction, "kl": kl}


@pytest.mark.parametrize("beta", [0, 0.7, 4])
def test_the_loss_is_summed_over_pixels_and_units_and_averaged_over_images(x, beta):
    model = small(beta=beta)
    outputs = model(x)
    assert {name: tuple(values.shape) for name, values in outputs.items()} == {
        "logits": (7, *SHAPE),
        "mean": (7, 2),
        "log_variance": (7, 2),
    }
    for target in (x, 0.3 + 0.5 * x):  # grey targets too
        expected = by_hand(target, outputs, beta)
        assert float(model.compute_loss(target, y_pred=outputs)) == pytest.approx(expected["loss"], rel=1e-5)
    clean = 1 - x
    expected = by_hand(clean, outputs, beta)
    assert float(model.compute_loss(x, clean, outputs)) == pytest.approx(expected["loss"], rel=1e-5)


def test_logits_are_decoded_from_a_draw(x):
    model, sampler = small(), Sampler(3)
    q = model.encoder(x)
    z = sampler(q["mean"], q["log_variance"])
    outputs = model(x)
    np.testing.assert_allclose(outputs["logits"], model.decoder(z), atol=1e-6)
    np.testing.assert_array_equal(outputs["mean"], q["mean"])
    assert np.abs(model(x)["logits"] - outputs["logits"]).max() > 0.1  # another draw


@pytest.mark.parametrize("xla", [False, True])
def test_evaluate_returns_the_objective(x, xla):
    model, twin = small(beta=2.0), small(beta=2.0)
    model.compile(jit_compile=xla)
    scores = model.evaluate(x, batch_size=7, verbose=0, return_dict=True)
    if not xla:  # under XLA the draws are others
        assert scores == pytest.approx(by_hand(x, twin(x), 2.0), rel=1e-5)
    assert set(scores) == {"loss", "reconstruction", "kl"}
    assert scores["loss"] == pytest.approx(scores["reconstruction"] + 2 * scores["kl"], rel=1e-5)
    assert scores["kl"] == pytest.approx(by_hand(x, twin(x), 2.0)["kl"], rel=1e-5)


def test_uneven_batches_count_every_image_once(x):
    model = small()
    model.decoder.layers[0].kernel.assign(0 * model.decoder.layers[0].kernel)  # then z does not matter
    model.compile(jit_compile=False)
    whole, uneven = (model.evaluate(x, batch_size=size, verbose=0, return_dict=True) for size in (7, 3))
    assert uneven == pytest.approx(whole, rel=1e-5)
    assert whole == pytest.approx(by_hand(x, model(x), 1.0), rel=1e-5)


@pytest.mark.parametrize("xla", [False, True])
def test_training_reports_what_evaluate_reports(x, xla):
    model = small(beta=2.0)
    model.decoder.layers[0].kernel.assign(0 * model.decoder.layers[0].kernel)  # then z does not matter
    history = fit(
        model, x, epochs=1, batch_size=7, learning_rate=1e-12, schedule="constant", verbose=0, xla=xla,
        validation_data=x,
    ).history  # fmt: skip
    scores = model.evaluate(x, verbose=0, return_dict=True)
    for name, value in scores.items():
        assert history[name] == pytest.approx([value], rel=1e-5)
        assert history[f"val_{name}"] == pytest.approx([value], rel=1e-5)


@pytest.mark.parametrize("xla", [False, True])
def test_a_callback_changes_beta(x, xla):
    model = small(beta=0.0)
    warm_up = keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: setattr(model, "beta", 2.0 * epoch))
    history = fit(model, x, epochs=3, batch_size=7, learning_rate=1e-9, verbose=0, xla=xla, callbacks=[warm_up]).history
    shares = (np.array(history["loss"]) - history["reconstruction"]) / history["kl"]
    np.testing.assert_allclose(shares, [0, 2, 4], atol=1e-4)
    assert model.get_config()["beta"] == model.beta == 4
    with pytest.raises(ValueError, match="beta=-1"):
        model.beta = -1


def test_weights_of_images_reach_the_loss_and_both_terms(x):
    model, weights = small(beta=2.0), np.arange(7.0)
    outputs = model(x)
    each = [by_hand(x[[k]], {name: values[k : k + 1] for name, values in outputs.items()}, 2.0) for k in range(7)]
    found = float(model.compute_loss(x, y_pred=outputs, sample_weight=weights))
    assert found == pytest.approx(np.mean(weights * [one["loss"] for one in each]), rel=1e-5)
    assert float(model.kl_metric.result()) == pytest.approx(np.mean(weights * [one["kl"] for one in each]), rel=1e-5)


def test_an_objective_of_ones_own(x):
    """The importance-weighted bound with k draws per image, as a subclass."""

    class Weighted(VariationalAutoencoder):
        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
            mean, log_variance = (ops.repeat(y_pred[name], 5, axis=0) for name in ("mean", "log_variance"))
            z = self.sampler(mean, log_variance)
            target = ops.repeat(x, 5, axis=0)
            error = ops.sum(ops.binary_crossentropy(target, self.decoder(z), from_logits=True), axis=(1, 2, 3))
            ratio = ops.sum(ops.square(z - mean) / ops.exp(log_variance) + log_variance - ops.square(z), axis=1) / 2
            weights = ops.reshape(ratio - error, (-1, 5))
            return self.average(np.log(5.0) - ops.logsumexp(weights, axis=1))

    plain = small()
    model = Weighted(plain.encoder, plain.decoder)
    losses = fit(model, x, epochs=20, batch_size=7, learning_rate=0.02, verbose=0).history["loss"]
    assert losses[-1] < losses[0]


def test_penalties_of_layers_are_added(x):
    model = small()
    outputs = model(x)
    plain = float(model.compute_loss(x, y_pred=outputs))
    kernel = model.decoder.layers[0].kernel
    model.decoder.layers[0].kernel.regularizer = keras.regularizers.L2(0.5)
    expected = plain + 0.5 * float(ops.sum(ops.square(kernel)))
    assert float(model.compute_loss(x, y_pred=outputs)) == pytest.approx(expected, rel=1e-5)


def test_training_raises_the_elbo_and_a_seed_repeats_it():
    images = binarize(np.random.default_rng(0).choice([0.05, 0.95], (200, 1, 1, 1)) * np.ones((1, *SHAPE)), 1)

    def trained():
        keras.utils.set_random_seed(2)
        model = variational((8,), 1, input_shape=SHAPE)
        losses = fit(
            model, images, epochs=30, batch_size=50, learning_rate=0.02, prepare=Binarize(), verbose=0, xla=False
        ).history["loss"]  # fmt: skip
        return model, losses

    (first, losses), (second, repeated) = trained(), trained()
    assert losses == repeated
    for a, b in zip(first.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert losses[-1] < 2.5 < 4 < losses[0]  # one bit of news, log 2, and 6 pixels of entropy .199 each: 1.9 nats


# --- encode, decode, sample


def test_codes_are_the_means_and_images_are_probabilities(x):
    model = small()
    q = model.encoder(x)
    mean, log_variance = model.posterior(x, batch_size=3)
    np.testing.assert_allclose(mean, q["mean"], atol=1e-6)
    np.testing.assert_allclose(log_variance, q["log_variance"], atol=1e-6)
    np.testing.assert_array_equal(model.encode(x, 3), mean)
    images = model.reconstruct(x)
    np.testing.assert_allclose(images, expit(model.decoder(mean)), atol=1e-6)
    np.testing.assert_allclose(images, model.decode(mean, 3), atol=1e-6)
    assert images.shape == x.shape
    assert images.min() > 0
    assert images.max() < 1
    assert all(type(values) is np.ndarray for values in (mean, log_variance, images))


def test_decodings_of_draws_scatter_as_q_says(x):
    model = small(hidden=(), scale=0.7)  # logits are linear in z: their mean and variance are known
    draws = model.reconstruct(x, samples=5000, seed=1)
    assert draws.shape == (5000, *x.shape)
    logits = (np.log(draws) - np.log1p(-draws)).reshape(5000, 7, -1)
    mean, log_variance = model.posterior(x)
    kernel, bias = model.decoder.get_weights()
    np.testing.assert_allclose(logits.mean(axis=0), mean @ kernel + bias, atol=0.25)
    np.testing.assert_allclose(logits.var(axis=0), np.exp(log_variance) @ kernel**2, rtol=0.15)
    np.testing.assert_array_equal(model.reconstruct(x, samples=3, seed=1), draws[:3])


def test_samples_are_decodings_of_the_prior():
    model = small(hidden=())
    images = model.sample(20_000, seed=1)
    assert images.shape == (20_000, *SHAPE)
    logits = (np.log(images) - np.log1p(-images)).reshape(20_000, -1)
    kernel, bias = model.decoder.get_weights()
    np.testing.assert_allclose(logits.mean(axis=0), bias, atol=0.1)
    np.testing.assert_allclose(np.cov(logits.T), kernel.T @ kernel, atol=0.3)


def test_seeds_of_sampling(x):
    model = small()
    calls = {
        "sample": lambda seed: model.sample(5, seed),
        "reconstruct": lambda seed: model.reconstruct(x, samples=2, seed=seed),
        "log_weights": lambda seed: model.log_weights(x, 4, seed),
    }
    for call in calls.values():
        np.testing.assert_array_equal(call(1), call(1))
        assert np.abs(call(1) - call(2)).max() > 1e-3
        assert np.abs(call(None) - call(None)).max() > 1e-3
        keras.utils.set_random_seed(5)
        first = call(None)
        keras.utils.set_random_seed(5)
        np.testing.assert_array_equal(call(None), first)
        for bad in (-1, 0.5, True):
            with pytest.raises(ValueError, match="seed="):
                call(bad)


# --- the likelihood


def all_images(pixels):
    """Every image of so many pixels, each 0 or 1: (2^pixels, pixels, 1, 1)."""
    return np.array(list(itertools.product((0, 1), repeat=pixels)), "float32").reshape(-1, pixels, 1, 1)


def marginal(model, x):
    """log p(x) of a model with one latent unit, by the trapezoid rule."""
    z = np.linspace(-9, 9, 6001)
    logits = np.asarray(model.decoder(z[:, None].astype("float32")), "float64").reshape(len(z), -1)
    rows = x.reshape(len(x), -1)
    likelihood = np.exp(-(rows @ np.logaddexp(0, -logits).T + (1 - rows) @ np.logaddexp(0, logits).T))
    return np.log(np.trapezoid(likelihood * stats.norm.pdf(z), z, axis=1))


def test_the_importance_weights_estimate_the_likelihood_without_bias_and_the_elbo_bounds_it():
    model, x = small(code=1, shape=(4, 1, 1)), all_images(4)
    model.encoder.set_weights([0.2 * weight for weight in model.encoder.get_weights()])  # q wide enough for p(z|x)
    exact = marginal(model, x)
    assert logsumexp(exact) == pytest.approx(0, abs=1e-6)  # the 16 probabilities add up to 1: the quadrature is right
    draws = 20_000
    log_weights = model.log_weights(x, draws, seed=1)
    assert log_weights.shape == (16, draws)
    assert log_weights.dtype == np.float64
    weights = np.exp(log_weights - exact[:, None])
    error = weights.std(axis=1) / np.sqrt(draws)
    assert (np.abs(weights.mean(axis=1) - 1) < 5 * error).all()
    assert error.max() < 0.2
    elbo = log_weights.mean(axis=1)
    assert (elbo < exact).all()
    # In expectation the bound gets tighter with every draw: the same draws in groups of 1, 5, 50 and 1000.
    bounds = [
        np.mean([importance_sampled_nll(group) for group in np.split(log_weights, draws // size, axis=1)])
        for size in (1, 5, 50, 1000)
    ]
    assert bounds == sorted(bounds)[::-1]
    assert bounds[0] - bounds[-1] > 0.1
    assert bounds[0] == pytest.approx(-elbo.mean())
    assert bounds[-1] == pytest.approx(-exact.mean(), abs=0.05)
    assert importance_sampled_nll(log_weights) == pytest.approx(-exact.mean(), abs=0.02)


def test_the_mean_log_weight_is_the_elbo_that_evaluate_reports():
    model, x = small(code=1, shape=(4, 1, 1), beta=3.0), all_images(4)
    log_weights = model.log_weights(x, 4000, seed=1)
    model.compile(jit_compile=False)
    scores = model.evaluate(np.tile(x, (2000, 1, 1, 1)), batch_size=8000, verbose=0, return_dict=True)
    error = log_weights.std(axis=1).mean() / np.sqrt(2000 * 16)
    assert abs(scores["reconstruction"] + scores["kl"] + log_weights.mean()) < 5 * error  # at beta = 1


def test_every_weight_is_the_ratio_of_its_densities(x):
    model = small()
    mean, log_variance = model.posterior(x)
    sigma = np.exp(log_variance / 2)
    z = mean[:, None] + sigma[:, None] * np.random.default_rng(8).standard_normal((7, 4, 2), dtype="float32")
    p = model.decode(z.reshape(-1, 2)).reshape(7, 4, *SHAPE)
    log_p = stats.bernoulli.logpmf(x[:, None], p).sum(axis=(2, 3, 4))
    expected = log_p + (stats.norm.logpdf(z) - stats.norm.logpdf(z, mean[:, None], sigma[:, None])).sum(axis=-1)
    for batch_size in (1, 9, 10_000):
        np.testing.assert_allclose(model.log_weights(x, 4, 8, batch_size), expected, rtol=1e-4, atol=1e-4)


def test_a_decoder_that_ignores_its_code_has_a_known_likelihood(x):
    """Then the true posterior is the prior; with q at the prior, too, every weight is p(x) itself."""
    model = small()
    for layer in (model.encoder.get_layer("mean"), model.encoder.get_layer("log_variance"), model.decoder.layers[0]):
        layer.set_weights([0 * weight for weight in layer.get_weights()])
    p = model.decode(np.zeros((1, 2)))
    exact = stats.bernoulli.logpmf(x, p).sum(axis=(1, 2, 3))
    log_weights = model.log_weights(x, 5, seed=1)
    np.testing.assert_allclose(log_weights, np.repeat(exact[:, None], 5, axis=1), rtol=1e-5)
    assert importance_sampled_nll(log_weights) == pytest.approx(-exact.mean(), rel=1e-5)


def test_far_away_weights_neither_overflow_nor_vanish(x):
    model = small()
    model.decoder.set_weights([500 * weight for weight in model.decoder.get_weights()])
    log_weights = model.log_weights(x, 6, seed=1)
    assert np.isfinite(log_weights).all()
    assert log_weights.min() < -2000
    rows = np.array([[-1e5, -1e5 - 1], [3e4, 3e4]])
    assert importance_sampled_nll(rows) == pytest.approx((1e5 - np.log((1 + np.exp(-1)) / 2) - 3e4) / 2)


def test_the_nll_of_a_few_weights_by_hand():
    weights = np.array([[0.2, 0.4], [0.1, 0.5]])
    assert importance_sampled_nll(np.log(weights)) == pytest.approx(-np.log(0.3))
    assert importance_sampled_nll(np.log(weights[:, :1])) == pytest.approx(-np.log([0.2, 0.1]).mean())


@pytest.mark.parametrize(
    "bad", [np.zeros(3), np.zeros((2, 0)), np.zeros((0, 2)), np.zeros((1, 2, 3)), [[0, np.nan]], [[-np.inf, 0]]]
)
def test_the_nll_refuses(bad):
    with pytest.raises(ValueError, match="log_weights"):
        importance_sampled_nll(bad)


# --- saving


def test_a_model_survives_a_keras_file_with_its_generators(x, tmp_path):
    model = small(beta=0.5, seed=None)
    model(x)  # moves the generator on
    model.save(tmp_path / "vae.keras")
    loaded = keras.saving.load_model(tmp_path / "vae.keras")
    assert type(loaded) is VariationalAutoencoder
    assert (loaded.beta, loaded.sampler.seed) == (0.5, None)
    np.testing.assert_array_equal(loaded.encode(x), model.encode(x))
    for _ in range(2):
        np.testing.assert_array_equal(loaded(x)["logits"], model(x)["logits"])
    fit(loaded, x, epochs=1, batch_size=7, verbose=0)


@pytest.mark.parametrize("layer", [Sampler(7), Binarize(7), Sampler(), Binarize()])
def test_layers_survive_a_keras_file_with_their_generators(layer, tmp_path):
    inputs = [keras.Input((3,)) for _ in range(2 if isinstance(layer, Sampler) else 1)]
    model = keras.Model(inputs, layer(*inputs))
    given = [np.full((50, 3), 0.5, "float32") for _ in inputs]
    model(given)
    model.save(tmp_path / "layer.keras")
    loaded = keras.saving.load_model(tmp_path / "layer.keras")
    assert type(loaded.layers[-1]) is type(layer)
    assert loaded.layers[-1].seed == layer.seed
    np.testing.assert_array_equal(loaded(given), model(given))


# --- the builder


def test_the_builder_mirrors_its_widths():
    model = variational((9, 7), 3, activation="tanh", beta=2, input_shape=(4, 5, 2))
    widths = [layer.units for layer in parts(model) if isinstance(layer, layers.Dense)]
    assert widths == [9, 7, 3, 3, 7, 9, 40]
    hidden = [layer.activation.__name__ for layer in parts(model) if isinstance(layer, layers.Dense)]
    assert hidden == ["tanh", "tanh", "linear", "linear", "tanh", "tanh", "linear"]
    assert model.beta == 2
    assert model.input_shape == (None, 4, 5, 2)
    assert isinstance(model, BaseAutoencoder)
    assert not isinstance(model, Autoencoder)  # whose `call` returns images
    assert variational((), 2, input_shape=SHAPE).count_params() == 2 * 7 * 2 + 3 * 6
    assert variational().count_params() == sum(
        (a + 1) * b for a, b in [(784, 512), (512, 256), (256, 20), (256, 20), (20, 256), (256, 512), (512, 784)]
    )


def test_variational_is_the_model_that_the_lesson_writes_out(lectures_model, configuration):
    namespace = lectures_model("12", LECTURE_CODE=28)
    ours = variational((256,), 28, activation="relu")
    written = [namespace["encoder"], namespace["decoder"]]
    assert configuration([layer for part in written for layer in part.layers]) == configuration(parts(ours))
    assert sum(part.count_params() for part in written) == ours.count_params() == 424_264
    ours.set_weights([weight for part in written for weight in part.get_weights()])
    x = np.random.default_rng(0).random((3, 28, 28, 1), "float32")
    mean, log_variance = ours.posterior(x)
    q = written[0](x)
    np.testing.assert_array_equal([mean, log_variance], [q["mean"], q["log_variance"]])
    np.testing.assert_array_equal(ours.decoder(mean), written[1](mean))


# --- binarisation, fresh in every step


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_pixels_become_1_as_often_as_their_grey_value_says(dtype):
    grey = np.linspace(0, 1, 12, dtype=dtype).reshape(1, 2, 3, 2)
    images = np.repeat(grey, 20_000, axis=0)
    for drawn in (binarize(images, 1), np.asarray(Binarize(1, dtype=dtype)(images))):
        assert drawn.dtype == dtype
        assert set(np.unique(drawn)) == {0, 1}
        np.testing.assert_allclose(drawn.mean(axis=0), grey[0], atol=0.02)
        assert drawn[..., 0][:, 0, 0].max() == 0
        assert drawn[:, 1, 2, 1].min() == 1
    np.testing.assert_array_equal(binarize(images, 1), binarize(images, 1))
    assert (binarize(images, 1) != binarize(images, 2)).any()


@pytest.mark.parametrize("bad", [np.ones((2, 3, 3, 1)) * 1.1, np.zeros((3, 3)), np.ones((1, 3, 3, 1), "uint8")])
def test_binarize_refuses(bad):
    with pytest.raises(ValueError, match=r"given|expected"):
        binarize(bad, 1)
    with pytest.raises(ValueError, match="seed"):
        binarize(np.zeros((1, 2, 2, 1)), -1)


def constant_or_copy(copy, pixels):
    """An Autoencoder that answers black, or with its input: its loss tells what the target was."""
    dense = layers.Dense(pixels, kernel_initializer="identity" if copy else "zeros")
    decoder = keras.Sequential([keras.Input((pixels,)), dense, layers.Reshape((pixels, 1, 1))])
    return Autoencoder(keras.Sequential([keras.Input((pixels, 1, 1)), layers.Flatten()]), decoder)


@pytest.mark.parametrize("xla", [False, True])
def test_prepare_draws_anew_in_every_step_and_makes_input_and_target(xla):
    grey = np.full((40, 50, 1, 1), 0.5, "float32")
    seen = []
    settings = {"batch_size": 4, "learning_rate": 1e-12, "schedule": "constant", "verbose": 0, "xla": xla}
    watch = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: seen.append(logs["loss"]))
    fit(constant_or_copy(False, 50), grey, epochs=2, prepare=Binarize(3), callbacks=[watch], **settings)
    steps = np.array(seen).reshape(2, 10) * np.arange(1, 11)  # of running means, sums
    ones = np.round(np.diff(steps, axis=1, prepend=0) * 4)  # the target's ones in each batch of 200 pixels
    assert len(np.unique(ones)) > 5
    assert np.abs(ones - 100).max() < 40
    copied = fit(constant_or_copy(True, 50), grey, epochs=1, prepare=Binarize(3), **settings)
    assert copied.history["loss"][0] < 1e-6  # input and target are one draw
    plain = fit(constant_or_copy(False, 50), grey, epochs=1, **settings)
    assert plain.history["loss"][0] == pytest.approx(50 / 4)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"prepare": Binarize(), "y": np.zeros((8, 5, 1, 1), "float32")}, "no y"),
        ({"prepare": "binarize"}, "must be a function"),
        ({"prepare": lambda x: x[:, :3]}, "keep the shape"),
    ],
)
def test_fit_refuses_such_a_prepare(settings, message):
    with pytest.raises(ValueError, match=message):
        fit(constant_or_copy(True, 5), np.zeros((8, 5, 1, 1), "float32"), epochs=1, batch_size=4, verbose=0, **settings)


# --- what is refused


def with_outputs(outputs):
    """An encoder of 2x3 images with the named outputs of so many units."""
    image = keras.Input(SHAPE)
    flat = layers.Flatten()(image)
    dense = {name: layers.Dense(units)(flat) for name, units in outputs.items()}
    return keras.Model(image, dense if len(dense) > 1 else next(iter(dense.values())))


def decoder_of(code, shape=SHAPE):
    return keras.Sequential([keras.Input((code,)), layers.Dense(int(np.prod(shape))), layers.Reshape(shape)])


@pytest.mark.parametrize(
    ("outputs", "message"),
    [
        ({"mean": 2}, "dict"),
        ({"mean": 2, "sigma": 2}, "log_variance"),
        ({"mean": 2, "log_variance": 3}, "one shape"),
        ({"mean": 2, "log_variance": 2, "z": 2}, "dict"),
        ({"mean": 3, "log_variance": 3}, "does not mirror"),
    ],
)
def test_parts_that_do_not_fit_are_refused(outputs, message):
    with pytest.raises(ValueError, match=message):
        VariationalAutoencoder(with_outputs(outputs), decoder_of(2))


def test_a_decoder_of_other_images_is_refused():
    with pytest.raises(ValueError, match="does not mirror"):
        VariationalAutoencoder(with_outputs({"mean": 2, "log_variance": 2}), decoder_of(2, (3, 2, 1)))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"beta": -1}, "beta=-1"),
        ({"beta": np.nan}, "beta"),
        ({"beta": np.inf}, "beta"),
        ({"beta": True}, "beta"),
        ({"beta": "1"}, "beta"),
        ({"seed": -1}, "seed=-1"),
        ({"code": 0}, "code size"),
        ({"hidden": (5, 2.5)}, "hidden width"),
        ({"activation": "gelo"}, "gelo"),
        ({"input_shape": (2, 0, 1)}, "input_shape"),
    ],
)
def test_the_builder_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        variational(**({"hidden": (5,), "code": 2, "input_shape": SHAPE} | arguments))


def test_calls_with_bad_inputs_are_refused(x):
    model = small()
    for call, message in (
        (lambda: model.log_weights(0.5 * x, 3), "binarize"),
        (lambda: model.log_weights(x[0], 3), "shape"),
        (lambda: model.log_weights(x, 0), "samples"),
        (lambda: model.log_weights(x, 3, batch_size=0), "batch_size"),
        (lambda: model.reconstruct(x, samples=0), "samples"),
        (lambda: model.reconstruct(x[:0]), "shape"),
        (lambda: model.sample(0), "n must"),
        (lambda: model.sample(2.0), "n must"),
        (lambda: model.decode(np.zeros((3, 5))), "shape"),
    ):
        with pytest.raises(ValueError, match=message):
            call()
