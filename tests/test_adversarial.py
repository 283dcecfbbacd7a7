"""utils.adversarial: in each phase only one side learns; losses by hand; files; seeds; what does not fit is refused."""

import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from utils import adversarial
from utils.adversarial import GAN, LOSSES, VAEGAN, Scaled
from utils.training import MeasureByTime, fit

convert = keras.ops.convert_to_numpy
IMAGES = np.random.default_rng(0).random((64, 8, 8, 1), "float32")
SMALL = {"filters": (4, 6), "input_shape": (8, 8, 1)}


def gan(seed=1, **settings):
    keras.utils.set_random_seed(seed)
    return adversarial.gan(3, 12, **SMALL, **settings)


def vaegan(seed=1, **settings):
    keras.utils.set_random_seed(seed)
    return adversarial.vaegan(3, 10, **SMALL, **settings)


BUILDS = {"GAN": gan, "VAE-GAN": vaegan}
both = pytest.mark.parametrize("build", BUILDS.values(), ids=BUILDS)


def moved(model, step):
    """Return which weights of the parts a step changes, a list for each part."""
    names = [name for name in ("generator", "encoder", "decoder", "discriminator") if hasattr(model, name)]

    def weights():
        return {name: [convert(weight) for weight in getattr(model, name).trainable_variables] for name in names}

    before = weights()
    step(tf.constant(IMAGES[:16]))
    after = weights()
    return {name: [not np.array_equal(*pair) for pair in zip(before[name], after[name], strict=True)] for name in names}


@both
@pytest.mark.parametrize("loss", LOSSES)
def test_in_each_phase_one_side_learns_and_the_other_stands_still(build, loss):
    model = build(loss=loss)
    model.compile(keras.optimizers.Adam(1e-3))
    first, second = moved(model, model.discriminator_step), moved(model, model.generator_step)
    assert any(first.pop("discriminator"))
    assert not any(any(part) for part in first.values())
    assert not any(second.pop("discriminator"))
    assert all(all(part) for part in second.values())


@both
def test_all_weights_of_the_discriminator_learn(build):
    model = build()
    model.compile(keras.optimizers.Adam(1e-3))
    assert all(moved(model, model.discriminator_step)["discriminator"])


def test_losses_by_hand():
    real, fake = np.array([[2.0], [-1.0]], "float32"), np.array([[0.5], [-3.0]], "float32")

    def softplus(x):
        return np.log1p(np.exp(x))

    expected = {
        "minimax": (softplus(-real) + softplus(fake), -softplus(fake)),
        "non_saturating": (softplus(-real) + softplus(fake), softplus(-fake)),
        "hinge": (np.maximum(0, 1 - real) + np.maximum(0, 1 + fake), -fake),
        "wgan-gp": (fake - real, -fake),
    }
    assert set(expected) == set(LOSSES)
    for loss, (telling, fooling) in expected.items():
        assert float(adversarial.discriminator_loss(loss, real, fake)) == pytest.approx(telling.mean(), rel=1e-5)
        assert float(adversarial.generator_loss(loss, fake)) == pytest.approx(fooling.mean(), rel=1e-5)


def test_minimax_and_non_saturating_pull_the_same_way_but_not_as_strongly():
    score = tf.Variable([[-5.0]])
    slopes = {}
    for loss in ("minimax", "non_saturating"):
        with tf.GradientTape() as tape:
            value = adversarial.generator_loss(loss, score)
        slopes[loss] = float(tape.gradient(value, score)[0, 0])
    assert slopes["minimax"] == pytest.approx(-1 / (1 + np.exp(5)), rel=1e-4)
    assert slopes["non_saturating"] == pytest.approx(-1 / (1 + np.exp(-5)), rel=1e-4)


@pytest.mark.parametrize("slope", [0.25, 1.0, 2.0])
def test_the_penalty_of_a_linear_critic_is_known(slope):
    critic = keras.Sequential([keras.Input((8, 8, 1)), layers.Flatten(), layers.Dense(1, use_bias=False)])
    critic.layers[-1].kernel.assign(np.full((64, 1), slope / 8))  # norm: the slope
    model = GAN(gan().generator, critic, "wgan-gp")
    assert float(model._gradient_penalty(IMAGES[:8], IMAGES[8:16])) == pytest.approx((slope - 1) ** 2, abs=1e-4)


@both
@pytest.mark.parametrize("loss", ["non_saturating", "wgan-gp"])
def test_the_same_seed_gives_the_same_weights(build, loss):
    def trained(seed):
        model = build(seed, loss=loss)
        model.compile(keras.optimizers.Adam(1e-3))
        for start in (0, 16):
            model.train_step(tf.constant(IMAGES[start : start + 16]))
        return model.get_weights()

    one, again, other = trained(1), trained(1), trained(2)
    assert all(np.array_equal(*pair) for pair in zip(one, again, strict=True))
    assert not all(np.array_equal(*pair) for pair in zip(one, other, strict=True))


@both
@pytest.mark.parametrize("course", [True, False], ids=["utils.training", "Keras"])
def test_both_fits_train_it(build, course):
    model = build()
    if course:
        history = fit(model, IMAGES, epochs=2, batch_size=16, verbose=0).history
    else:
        model.compile(keras.optimizers.Adam(1e-3), jit_compile=False)
        history = model.fit(IMAGES, epochs=2, batch_size=16, verbose=0).history
    assert {"discriminator_loss", "generator_loss"} <= set(history)
    assert ("loss" in history) == (build is vaegan)
    assert all(np.isfinite(values).all() and len(values) == 2 for values in history.values())


def test_with_xla_the_gradient_penalty_compiles():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fit(vaegan(loss="wgan-gp"), IMAGES, epochs=1, batch_size=16, verbose=0, xla=True)


def test_a_gan_learns_the_mean_image():
    """Images that are all alike: after a short training the generator makes images nearer to them."""
    model, images = gan(), np.repeat(IMAGES[:1], 256, axis=0)
    before = np.abs(model.sample(50, seed=1) - IMAGES[0]).mean()
    fit(model, images, epochs=60, batch_size=32, learning_rate=5e-3, verbose=0, optimizer=_adam)
    assert np.abs(model.sample(50, seed=1) - IMAGES[0]).mean() < 0.7 * before


def _adam(rate):
    return keras.optimizers.Adam(rate, beta_1=0.5)


@both
@pytest.mark.parametrize("rate", [1e-3, keras.optimizers.schedules.ExponentialDecay(1e-3, 5, 0.5)])
def test_a_model_goes_on_from_its_file_as_if_nothing_had_been(build, rate, tmp_path):
    model = build(loss="hinge", discriminator_rate=2.0, seed=3)
    model.compile(keras.optimizers.Adam(rate))
    model.train_step(tf.constant(IMAGES[:16]))
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert type(loaded) is type(model)
    settings = [{k: v for k, v in m.get_config().items() if not isinstance(v, dict)} for m in (loaded, model)]
    assert settings[0] == settings[1]
    assert {"loss", "discriminator_rate", "seed"} <= set(settings[0])
    np.testing.assert_array_equal(loaded.sample(3, seed=1), model.sample(3, seed=1))
    np.testing.assert_array_equal(loaded(IMAGES[:4])["mean"] if build is vaegan else loaded(IMAGES[:4]),
                                  model(IMAGES[:4])["mean"] if build is vaegan else model(IMAGES[:4]))  # fmt: skip
    for pair in zip(model.discriminator_optimizer.variables, loaded.discriminator_optimizer.variables, strict=True):
        np.testing.assert_array_equal(*pair)
    assert float(loaded.discriminator_optimizer.learning_rate) == pytest.approx(
        2 * float(loaded.optimizer.learning_rate)
    )


def test_the_discriminators_rate_is_a_multiple():
    schedule = keras.optimizers.schedules.ExponentialDecay(1e-3, 5, 0.5)
    assert float(Scaled(schedule, 3.0)(7)) == pytest.approx(3 * float(schedule(7)))
    for rate in (1e-3, schedule):
        model = gan(discriminator_rate=3.0)
        model.compile(keras.optimizers.Adam(rate, beta_1=0.5))
        assert float(model.discriminator_optimizer.learning_rate) == pytest.approx(3e-3)
        assert model.discriminator_optimizer.beta_1 == 0.5


def test_evaluate_gives_the_encoders_loss():
    model = vaegan()
    model.compile(keras.optimizers.Adam(1e-3), jit_compile=False)
    result = model.evaluate(IMAGES, verbose=0, return_dict=True)
    assert result["loss"] == pytest.approx(result["reconstruction"] + result["kl"], rel=1e-5)


def test_the_decoder_of_a_vaegan_follows_its_own_loss():
    """With feature_weight = 0 the copies do not count: the decoder's gradient is the generator loss's alone."""
    steps = {}
    for feature_weight in (0.0, 1.0):
        model = vaegan(feature_weight=feature_weight)
        model.compile(keras.optimizers.SGD(1.0))
        before = model.get_weights()
        model.generator_step(tf.constant(IMAGES[:16]))
        names = [variable.path for variable in model.weights]
        steps[feature_weight] = dict(
            zip(names, (b - a for a, b in zip(model.get_weights(), before, strict=True)), strict=True)
        )
    keys = {part: [k for k in range(len(names)) if part in names[k]] for part in ("encoder", "decoder")}
    one, other = (list(steps[feature_weight].values()) for feature_weight in (0.0, 1.0))
    assert all(np.allclose(one[k], other[k], atol=1e-6) for k in keys["encoder"])
    assert not all(np.allclose(one[k], other[k], atol=1e-6) for k in keys["decoder"])


def test_samples_and_codes_have_their_shapes():
    model = gan()
    images = model.sample(5, seed=2)
    assert images.shape == (5, 8, 8, 1)
    assert 0 <= images.min() <= images.max() <= 1
    np.testing.assert_array_equal(images, model.sample(5, seed=2, batch_size=2))
    assert model.draw_codes(4).shape == (4, 3)
    assert not np.array_equal(model.draw_codes(4), model.draw_codes(4))
    assert vaegan().reconstruct(IMAGES).shape == IMAGES.shape


def test_a_measurement_costs_no_time_of_the_training():
    clock = MeasureByTime(lambda model: model.sample(2, seed=1).mean(), every=2)
    fit(gan(), IMAGES, epochs=5, batch_size=16, verbose=0, callbacks=[clock])
    assert clock.epochs == [2, 4]
    assert len(clock.values) == len(clock.seconds) == 2
    assert 0 < clock.seconds[0] < clock.seconds[1]


def parts(build):
    model = build()
    return getattr(model, "generator", None), model.discriminator


def test_what_does_not_fit_is_refused():
    generator, discriminator = parts(gan)
    for bad, message in (
        (lambda: GAN(generator, discriminator, "wasserstein"), "Unknown loss"),
        (lambda: GAN(discriminator, generator), "makes one number"),
        (lambda: GAN(generator, discriminator, discriminator_rate=0), "positive"),
        (lambda: GAN(generator, discriminator, seed=-1), "seed"),
        (lambda: vaegan(feature_weight=-1), "feature_weight"),
        (lambda: VAEGAN(vaegan().encoder, vaegan().decoder, discriminator, features="none"), "no layer"),
        (lambda: gan().compile("adam", loss="mse"), "losses of its own"),
        (lambda: fit(gan(), IMAGES, IMAGES, epochs=1, batch_size=16, loss="mse"), "losses of its own"),
        (lambda: fit(gan(), IMAGES[..., 0], epochs=1), "channel axis"),
        (lambda: gan().sample(0), "positive"),
        (lambda: MeasureByTime(len, every=0), "positive"),
    ):
        with pytest.raises(ValueError, match=message):
            bad()


def test_the_builders_make_the_same_layers():
    one, two, three = gan(), adversarial.vae(3, 12, **SMALL), vaegan()
    sizes = [[weight.shape for weight in part.weights] for part in (one.generator, two.decoder, three.decoder)]
    assert sizes[0] == sizes[1] == sizes[2]
    trunks = [[weight.shape for weight in part.weights[:6]] for part in (one.discriminator, two.encoder)]
    assert trunks[0] == trunks[1]
    fit(two, IMAGES, epochs=1, batch_size=16, verbose=0)
    with pytest.raises(ValueError, match="multiples of 4"):
        adversarial.gan(input_shape=(10, 8, 1))
