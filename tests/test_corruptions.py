"""utils.corruptions: exact identities, statistics against theory, other libraries, the layer in fit, bad inputs."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers, ops
from PIL import Image
from scipy import ndimage, stats

from utils.corruptions import (
    KINDS,
    Corruption,
    block,
    block_mask,
    downsample,
    gaussian,
    masking,
    move,
    salt_and_pepper,
    upscale,
)
from utils.models import Autoencoder
from utils.training import fit

IMAGES = np.random.default_rng(0).random((5, 8, 12, 3), dtype="float32")
FUNCTIONS = {"gaussian": gaussian, "masking": masking, "salt_and_pepper": salt_and_pepper, "block": block}
LEVELS = {"gaussian": 0.4, "masking": 0.3, "salt_and_pepper": 0.3, "block": 5}
SEEDED = {
    **{kind: lambda x, seed, kind=kind: FUNCTIONS[kind](x, LEVELS[kind], seed) for kind in KINDS},
    "move": lambda x, seed: move(x, 2, 15, 0.2, seed),
}
NOTHING = {
    **{kind: lambda x, kind=kind: FUNCTIONS[kind](x, 0, seed=1) for kind in KINDS},
    "block in the centre": lambda x: block(x, 0),
    "move": lambda x: move(x, 0, 0, 0, seed=1),
    "downsample": lambda x: downsample(x, 1),
    **{method: lambda x, method=method: upscale(x, 1, method) for method in ("nearest", "bilinear", "bicubic")},
}
SEEDLESS = {
    "downsample": lambda x: downsample(x, 4),
    **{method: lambda x, method=method: upscale(x, 3, method) for method in ("nearest", "bilinear", "bicubic")},
}
ALL = {**{name: lambda x, f=f: f(x, 1) for name, f in SEEDED.items()}, **SEEDLESS}


def grey(value, shape=(400, 16, 16, 2)):
    return np.full(shape, value, "float32")


def in_training(kind, level, x, seed=1):
    return ops.convert_to_numpy(Corruption(kind, level, seed)(x, training=True))


def compiled(kind, level, shape, xla):
    """The layer in training, as a compiled function of images."""
    layer = Corruption(kind, level, seed=1)
    layer.build(shape)
    return tf.function(lambda x: layer(x, training=True), jit_compile=xla)


# --- every function


@pytest.mark.parametrize("name", NOTHING)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_corruption_of_level_zero_changes_nothing_and_is_a_new_array(name, dtype):
    x = np.random.default_rng(3).random(IMAGES.shape).astype(dtype)
    out = NOTHING[name](x)
    assert out.dtype == x.dtype
    np.testing.assert_array_equal(out, x)
    assert not np.shares_memory(out, x)


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("binary", [True, False])
def test_range_and_dtype_are_kept_and_the_input_is_not_touched(name, dtype, binary):
    x = IMAGES.astype(dtype).round() if binary else IMAGES.astype(dtype)
    before = x.copy()
    x.setflags(write=False)
    out = ALL[name](x)
    assert out.dtype == dtype
    assert np.isfinite(out).all()
    assert out.min() >= 0
    assert out.max() <= 1
    np.testing.assert_array_equal(x, before)
    if name in SEEDED:
        assert out.shape == x.shape
        assert (out != x).any()


@pytest.mark.parametrize("name", SEEDED)
def test_the_seed_alone_decides(name):
    one, again, other = (SEEDED[name](IMAGES, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, again)
    assert (one != other).any()
    np.testing.assert_allclose(SEEDED[name](IMAGES.astype("float64"), 1), one, atol=1e-6)  # in either precision


@pytest.mark.parametrize("name", ["gaussian", "masking", "salt_and_pepper"])
def test_seeds_and_images_are_independent(name):
    x = grey(0.5, (4, 32, 32, 1))
    noise = np.concatenate([SEEDED[name](x, seed).reshape(4, -1) for seed in range(6)])  # 24 images, 1024 pixels
    assert abs(np.corrcoef(noise) - np.eye(24)).max() < 6 / np.sqrt(1024)


# --- statistics, of the functions and of the layer

WAYS = {
    "function": lambda kind, level, x: FUNCTIONS[kind](x, level, 1),
    "layer": in_training,
    "layer under XLA": lambda kind, level, x: compiled(kind, level, x.shape, xla=True)(x).numpy(),
}


@pytest.fixture(params=WAYS)
def corrupt(request):
    """The function of a kind, or the layer in training: called as corrupt(kind, level, x)."""
    return WAYS[request.param]


def test_gaussian_before_clipping_has_its_sigma(corrupt):
    noise = corrupt("gaussian", 0.05, grey(0.5)) - 0.5  # 10 sigma away from the clipping
    n = noise.size
    assert abs(noise.mean()) < 5 * 0.05 / np.sqrt(n)
    assert abs(noise.var() / 0.05**2 - 1) < 5 * np.sqrt(2 / n)
    assert abs(stats.kurtosis(noise.ravel())) < 5 * np.sqrt(24 / n)
    assert abs(np.corrcoef(noise[..., 0].ravel(), noise[..., 1].ravel())[0, 1]) < 5 / np.sqrt(n / 2)


@pytest.mark.parametrize("pixel", [0, 0.25, 1])
def test_gaussian_is_clipped_where_it_leaves_the_range(corrupt, pixel):
    out = corrupt("gaussian", 0.5, grey(pixel)).astype("float64")
    bounds = np.clip(pixel + 0.5 * stats.norm.ppf((np.arange(100_000) + 0.5) / 100_000), 0, 1)  # the exact law
    assert abs(out.mean() - bounds.mean()) < 5 * bounds.std() / np.sqrt(out.size)
    assert abs(out.var() - bounds.var()) < 0.002
    assert abs((out == 0).mean() - stats.norm.cdf(-pixel / 0.5)) < 0.006
    assert abs((out == 1).mean() - stats.norm.sf((1 - pixel) / 0.5)) < 0.006


@pytest.mark.parametrize("p", [0.1, 0.7])
def test_masking_sets_a_fraction_p_of_whole_pixels_to_zero(corrupt, p):
    masked = corrupt("masking", p, grey(0.6)) == 0
    assert (masked[..., 0] == masked[..., 1]).all()
    count = masked[..., 0].sum(axis=(1, 2))  # of 256 pixels, binomial
    deviation = np.sqrt(256 * p * (1 - p))
    assert abs(count.mean() - 256 * p) < 5 * deviation / np.sqrt(400)
    assert abs(count.std() / deviation - 1) < 5 / np.sqrt(2 * 400)


@pytest.mark.parametrize("p", [0.1, 0.7])
def test_salt_and_pepper_replaces_a_fraction_p_half_by_each(corrupt, p):
    out = corrupt("salt_and_pepper", p, grey(0.6))
    assert (out[..., 0] == out[..., 1]).all()
    n = out[..., 0].size
    for value in (0, 1):
        assert abs((out[..., 0] == value).mean() - p / 2) < 5 * np.sqrt(p / 2 * (1 - p / 2) / n)
    assert set(np.unique(out)) == {0, np.float32(0.6), 1}


@pytest.mark.parametrize("kind", ["masking", "salt_and_pepper"])
def test_p_of_one_spares_no_pixel(corrupt, kind):
    assert not (corrupt(kind, 1, grey(0.6)) == np.float32(0.6)).any()


def test_blocks_are_whole_squares_at_any_place(corrupt):
    x = grey(0.6, (1200, 6, 7, 2))
    hidden = corrupt("block", 4, x) == 0
    assert (hidden[..., 0] == hidden[..., 1]).all()
    assert (hidden[..., 0].sum(axis=(1, 2)) == 16).all()
    tops, lefts = hidden[..., 0].any(axis=2).argmax(axis=1), hidden[..., 0].any(axis=1).argmax(axis=1)
    rows = hidden[..., 0].any(axis=2).sum(axis=1)
    assert (rows == 4).all()  # 16 pixels in 4 rows and, likewise, 4 columns: a square
    assert (hidden[..., 0].any(axis=1).sum(axis=1) == 4).all()
    counts = np.histogram2d(tops, lefts, bins=[np.arange(4) - 0.5, np.arange(5) - 0.5])[0]
    assert stats.chisquare(counts.ravel()).pvalue > 1e-5  # 12 places, 100 each


def test_a_larger_p_masks_more_of_the_same_pixels():
    few, many = (masking(grey(0.6), p, seed=3) == 0 for p in (0.2, 0.5))
    assert many[few].all()


# --- holes


def test_the_mask_tells_where_the_block_is():
    for seed, value in itertools.product([None, 0, 1], [0, 0.25]):
        out, mask = block(IMAGES, 3, seed, value), block_mask(IMAGES.shape, 3, seed)
        assert mask.shape == (5, 8, 12, 1)
        assert mask.dtype == bool
        np.testing.assert_array_equal(out, np.where(mask, np.float32(value), IMAGES))


def test_without_a_seed_the_hole_is_in_the_centre():
    mask = block_mask((2, 8, 11, 1), 4)[..., 0]
    assert (mask[0] == mask[1]).all()
    assert mask[0].sum() == 16
    assert mask[0][2:6, 3:7].all()  # 2 pixels above and below, 3 left and 4 right
    assert block(IMAGES, 8).sum(axis=(1, 2, 3)) == pytest.approx(
        IMAGES.sum((1, 2, 3)) - IMAGES[:, :, 2:10].sum((1, 2, 3))
    )


# --- moves


def maps_of(limits, n=1500, size=33, seed=5):
    """Find each image's affine map from what `move` made of a ramp: matrices (n, 2, 2) and shifts (n, 2).

    The three channels are the row and the column of every pixel, and 1, so that wherever the last one is still 1,
    the others are the place that this pixel came from. Coordinates count from the centre, in pixels.
    """
    rows, columns = np.meshgrid(np.arange(size) - size // 2, np.arange(size) - size // 2, indexing="ij")
    ramp = np.stack([rows / size + 0.5, columns / size + 0.5, np.ones((size, size))], axis=-1)
    out = move(np.repeat(ramp[None], n, axis=0), *limits, seed)
    place = (out[..., :2] - 0.5) * size
    middle = slice(size // 2 - 4, size // 2 + 5)  # far enough inside for all limits used here
    assert (out[:, middle, middle, 2] == 1).all()
    pixels = np.stack([rows, columns, np.ones_like(rows)], axis=-1)[middle, middle].reshape(-1, 3)
    fitted = np.linalg.pinv(pixels) @ place[:, middle, middle].reshape(n, -1, 2)
    np.testing.assert_allclose(pixels @ fitted, place[:, middle, middle].reshape(n, -1, 2), atol=1e-3)
    back = fitted[:, :2].transpose(0, 2, 1)  # source = back @ pixel + offset
    return back, -np.linalg.solve(back, fitted[:, 2][..., None])[..., 0]


def uniform_in(values, low, high):
    return stats.kstest(values, stats.uniform(low, high - low).cdf).pvalue > 1e-5


def test_moves_are_uniform_shifts_rotations_and_rescalings():
    back, shifts = maps_of((3, 20, 0.25))
    factors = 1 / np.sqrt(np.linalg.det(back))
    np.testing.assert_allclose(
        back @ back.transpose(0, 2, 1) * factors[:, None, None] ** 2, [np.eye(2)] * 1500, atol=1e-3
    )
    angles = np.degrees(np.arctan2(back[:, 0, 1], back[:, 0, 0]))
    drawn = {"down": (shifts[:, 0], -3, 3), "right": (shifts[:, 1], -3, 3)}
    drawn |= {"angle": (angles, -20, 20), "factor": (factors, 0.75, 1.25)}
    for name, (values, low, high) in drawn.items():
        assert uniform_in(values, low, high), name
    assert abs(np.corrcoef([values for values, _, _ in drawn.values()]) - np.eye(4)).max() < 6 / np.sqrt(1500)


@pytest.mark.parametrize("limits", [(3, 0, 0), (0, 20, 0), (0, 0, 0.25)])
def test_each_limit_moves_in_its_own_way_only(limits):
    back, shifts = maps_of(limits, n=50)
    factors = 1 / np.sqrt(np.linalg.det(back))
    assert (abs(shifts).max() > 0.5) == (limits[0] > 0)
    assert (abs(back[:, 0, 1]).max() > 0.1) == (limits[1] > 0)
    assert (abs(factors - 1).max() > 0.1) == (limits[2] > 0)


@pytest.mark.parametrize("shape", [(6, 33, 33, 3), (6, 33, 33, 1)])
def test_moves_agree_with_scipy(shape):
    limits = (3, 20, 0.25)
    x = np.random.default_rng(1).random(shape)
    back, shifts = maps_of(limits, n=6)
    out = move(x, *limits, seed=5)
    for image, moved, matrix, shift in zip(x, out, back, shifts, strict=True):
        offset = 16 - matrix @ (16 + shift)
        for channel in range(shape[3]):
            expected = ndimage.affine_transform(image[..., channel], matrix, offset, order=1, mode="grid-constant")
            np.testing.assert_allclose(moved[..., channel], expected, atol=2e-3)


def test_what_comes_in_from_outside_is_zero_and_sizes_need_not_be_equal():
    out = move(grey(1, (200, 10, 14, 1)), 5, 0, 0, seed=0)
    assert out.max() == 1
    assert ((out == 0).any(axis=2).any(axis=1)).mean() > 0.5
    back = move(grey(1, (200, 10, 14, 1)), 0, 0, 0.5, seed=0)
    assert (back[:, 4:6, 6:8] == 1).all()  # the centre stays: 10x14 shrinks to at least 5x7 around it
    np.testing.assert_allclose(back, back[:, ::-1, ::-1], atol=1e-5)


# --- fewer pixels


def test_downsample_averages_squares():
    out = downsample(IMAGES, 4)
    assert out.shape == (5, 2, 3, 3)
    assert out[2, 1, 2, 0] == pytest.approx(IMAGES[2, 4:8, 8:12, 0].mean(), abs=1e-6)
    np.testing.assert_allclose(out.mean(axis=(1, 2)), IMAGES.mean(axis=(1, 2)), atol=1e-6)


def test_nearest_repeats_pixels_and_downsampling_undoes_it():
    large = upscale(IMAGES, 2, "nearest")
    np.testing.assert_array_equal(large, IMAGES.repeat(2, axis=1).repeat(2, axis=2))
    np.testing.assert_array_equal(downsample(large, 2), IMAGES)


@pytest.mark.parametrize(
    ("method", "resample"), [("bilinear", Image.Resampling.BILINEAR), ("bicubic", Image.Resampling.BICUBIC)]
)
@pytest.mark.parametrize("factor", [2, 3, 4, 5])
def test_upscaling_agrees_with_pillow(method, resample, factor):  # whose bicubic kernel has a = -0.5
    out = upscale(IMAGES, factor, method)
    assert out.shape == (5, 8 * factor, 12 * factor, 3)
    for image, large in zip(IMAGES, out, strict=True):
        expected = Image.fromarray(image[..., 0]).resize((12 * factor, 8 * factor), resample)
        np.testing.assert_allclose(large[..., 0], np.clip(expected, 0, 1), atol=1e-6)


@pytest.mark.parametrize("factor", [2, 3, 5, 7])
def test_bicubic_is_keys_kernel_in_closed_form(factor):
    """Inside the image, between four pixels: his equation 15, the cubic through them by finite differences."""
    line = 0.4 + 0.1 * np.random.default_rng(0).random(9)
    out = upscale(np.tile(line, (1, 6, 1))[..., None], factor, "bicubic")[0, factor * 3, :, 0]
    for j in range(2 * factor, 7 * factor):
        k, s = divmod((j + 0.5) / factor - 0.5, 1)
        before, here, after, beyond = line[int(k) - 1 : int(k) + 3]
        slope, bend, third = (
            after - before,
            2 * before - 5 * here + 4 * after - beyond,
            3 * (here - after) + beyond - before,
        )
        assert out[j] == pytest.approx(here + (s * slope + s**2 * bend + s**3 * third) / 2, abs=1e-14)


def test_bicubic_overshoots_and_is_clipped():
    edge = grey(0, (1, 4, 8, 1))
    edge[:, :, 4:] = 1
    raw = np.asarray(Image.fromarray(edge[0, ..., 0]).resize((16, 8), Image.Resampling.BICUBIC))
    assert raw.min() < -0.01
    assert raw.max() > 1.01
    np.testing.assert_allclose(upscale(edge, 2, "bicubic")[0, ..., 0], raw.clip(0, 1), atol=1e-6)


# --- the layer


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("xla", [True, False])
def test_layer_corrupts_anew_in_every_training_step_and_never_otherwise(kind, xla):
    layer = Corruption(kind, LEVELS[kind], seed=1)
    layer.build(IMAGES.shape)

    @tf.function(jit_compile=xla, input_signature=[tf.TensorSpec((None, 8, 12, 3))])
    def step(x):
        return layer(x, training=True), layer(x), layer(x, training=False)

    one, idle, still_idle = (out.numpy() for out in step(IMAGES))
    two = step(IMAGES)[0].numpy()
    np.testing.assert_array_equal(idle, IMAGES)
    np.testing.assert_array_equal(still_idle, IMAGES)
    assert (one != IMAGES).any()
    assert (one != two).any()
    assert (one[0] - IMAGES[0] != one[1] - IMAGES[1]).any()
    assert one.min() >= 0
    assert one.max() <= 1


@pytest.mark.parametrize("xla", [True, False])
def test_steps_and_images_of_the_layer_are_independent(xla):
    step = compiled("gaussian", 0.05, (4, 32, 32, 1), xla)
    noise = np.concatenate([step(grey(0.5, (4, 32, 32, 1))).numpy().reshape(4, -1) for _ in range(6)])
    assert abs(np.corrcoef(noise) - np.eye(24)).max() < 6 / np.sqrt(1024)
    pairs = np.stack([noise[:, :-1], noise[:, 1:]], axis=-1).reshape(-1, 2)
    assert len(np.unique(pairs, axis=0)) > 0.999 * len(pairs)  # no stretch of noise comes back at another place


@pytest.mark.parametrize("kind", KINDS)
def test_layer_of_level_zero_is_the_identity(kind):
    np.testing.assert_array_equal(in_training(kind, 0, IMAGES), IMAGES)


@pytest.mark.parametrize("kind", KINDS)
def test_layer_repeats_itself_for_one_seed(kind):
    one, again, other = (in_training(kind, LEVELS[kind], IMAGES, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, again)
    assert (one != other).any()


def test_layer_without_a_seed_follows_keras_global_seed():
    outs = []
    for seed in (3, 3, 4):
        keras.utils.set_random_seed(seed)
        outs.append(in_training("gaussian", 0.4, IMAGES, seed=None))
    np.testing.assert_array_equal(outs[0], outs[1])
    assert (outs[0] != outs[2]).any()


def test_a_pair_of_levels_is_drawn_uniformly_for_each_image():
    x = grey(0.5, (1000, 32, 32, 1))
    sigmas = in_training("gaussian", (0.02, 0.08), x).std(axis=(1, 2, 3))
    assert abs(sigmas.mean() - 0.05) < 5 * np.sqrt(0.06**2 / 12 / 1000)
    assert abs(sigmas.std() / np.sqrt(0.06**2 / 12) - 1) < 0.1
    assert sigmas.min() > 0.015
    assert sigmas.max() < 0.09
    for kind in ("masking", "salt_and_pepper"):
        replaced = (in_training(kind, (0.2, 0.8), x) != 0.5).mean(axis=(1, 2, 3))
        assert abs(replaced.mean() - 0.5) < 5 * np.sqrt(0.6**2 / 12 / 1000)
        assert abs(replaced.std() / np.sqrt(0.6**2 / 12) - 1) < 0.1
    sizes = np.sqrt((in_training("block", (3, 6), x) == 0).sum(axis=(1, 2, 3)))
    values, counts = np.unique(sizes, return_counts=True)
    assert values.tolist() == [3, 4, 5, 6]
    assert stats.chisquare(counts).pvalue > 1e-5


@pytest.mark.parametrize(("kind", "level"), [("gaussian", 0.4), ("masking", (0.1, 0.3)), ("block", [2, 5])])
def test_layer_survives_its_config(kind, level):
    layer = Corruption(kind, level, seed=7, name="noise")
    copy = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    assert copy.get_config() == layer.get_config()
    np.testing.assert_array_equal(copy(IMAGES, training=True), layer(IMAGES, training=True))


def denoiser(*corruption, size=4):
    """A linear autoencoder of size x size images that begins with a Corruption."""
    shape = (size, size, 1)
    encoder = keras.Sequential([keras.Input(shape), Corruption(*corruption), layers.Flatten(), layers.Dense(3)])
    return Autoencoder(encoder, keras.Sequential([keras.Input((3,)), layers.Dense(size**2), layers.Reshape(shape)]))


def test_a_denoiser_survives_a_file(tmp_path):
    model = denoiser("salt_and_pepper", 0.2, 1)
    drawn = model.encoder.layers[0](IMAGES, training=True)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(loaded.reconstruct(IMAGES[:, :4, :4, :1]), model.reconstruct(IMAGES[:, :4, :4, :1]))
    first, second = (part.encoder.layers[0] for part in (model, loaded))
    assert second.get_config() == first.get_config()
    again = second(IMAGES, training=True)  # the noise goes on where the saved layer's went on, and does not begin anew
    np.testing.assert_array_equal(again, first(IMAGES, training=True))
    assert not np.array_equal(again, drawn)


@pytest.mark.parametrize("xla", [True, False])
def test_fit_gives_fresh_noise_in_every_epoch_and_validates_without(xla):
    x = np.repeat(IMAGES[:1, :4, :4, :1], 32, axis=0)  # of equal images, so that their order does not matter
    history = fit(
        denoiser("gaussian", 0.5, 1),
        x,
        epochs=4,
        batch_size=16,
        learning_rate=1e-20,
        schedule="constant",
        validation_data=x,
        xla=xla,
        verbose=0,
    ).history
    losses, clean = history["loss"], history["val_loss"]
    assert min(abs(a - b) for a, b in itertools.combinations(losses, 2)) > 1e-4
    assert max(clean) - min(clean) < 1e-4


def test_the_target_in_fit_is_the_clean_image():
    x = IMAGES[:, :4, :4, :1]
    history = fit(denoiser("masking", 1, 1), x, epochs=1, batch_size=5, learning_rate=1e-20, xla=False, verbose=0)
    # Everything is masked and the biases are 0: the output is black, and its error the clean image.
    assert history.history["loss"][0] == pytest.approx(np.square(x).sum() / 5, rel=1e-5)


# --- what is refused

NAN = np.full((1, 4, 4, 1), np.nan, "float32")
BAD_IMAGES = {
    "uint8": (np.zeros((1, 4, 4, 1), "uint8"), "uint8: scale pixels by 1/255"),
    "integers": (np.zeros((1, 4, 4, 1), int), "scale pixels"),
    "half": (np.zeros((1, 4, 4, 1), "float16"), "float32 or float64"),
    "one image": (np.zeros((4, 4, 1), "float32"), r"\(4, 4, 1\).*x\[None\]"),
    "none": (np.zeros((0, 4, 4, 1), "float32"), r"\(0, 4, 4, 1\)"),
    "nan": (NAN, "nan.*expected"),
    "negative": (grey(-0.1), r"-0\.1.*\[0, 1\] expected"),
    "pixels to 255": (grey(255), r"255.*\[0, 1\] expected"),
    "infinity": (grey(np.inf), r"inf.*\[0, 1\] expected"),
}


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("case", BAD_IMAGES)
def test_bad_images_are_refused(name, case):
    x, message = BAD_IMAGES[case]
    with pytest.raises(ValueError, match=message):
        ALL[name](x)


@pytest.mark.parametrize(
    "make", [lambda level: gaussian(IMAGES, level, 0), lambda level: Corruption("gaussian", level)]
)
@pytest.mark.parametrize("sigma", [-0.1, np.inf, np.nan, "0.1", None, True])
def test_bad_sigmas_are_refused(make, sigma):
    with pytest.raises(ValueError, match=r"sigma=.*pixel units"):
        make(sigma)


@pytest.mark.parametrize("kind", ["masking", "salt_and_pepper"])
@pytest.mark.parametrize("p", [-0.1, 1.1, 30, np.nan, "0.1", None, True])
def test_bad_probabilities_are_refused(kind, p):
    for make in (lambda: FUNCTIONS[kind](IMAGES, p, 0), lambda: Corruption(kind, p), lambda: Corruption(kind, (0, p))):
        with pytest.raises(ValueError, match=r"p=.*\[0, 1\]"):
            make()


@pytest.mark.parametrize("size", [-1, 2.5, 9, True, None])
def test_bad_block_sizes_are_refused(size):
    for make in (
        lambda: block(IMAGES, size),
        lambda: block_mask(IMAGES.shape, size, 0),
        lambda: in_training("block", size, IMAGES),
    ):
        with pytest.raises(ValueError, match="size="):
            make()


@pytest.mark.parametrize("name", SEEDED)
@pytest.mark.parametrize("seed", [-1, 1.5, "a", True])
def test_bad_seeds_are_refused(name, seed):
    with pytest.raises(ValueError, match="seed="):
        SEEDED[name](IMAGES, seed)
    with pytest.raises(ValueError, match="seed="):
        Corruption("masking", 0.1, seed)


@pytest.mark.parametrize("name", [name for name in SEEDED if name != "block"])
def test_noise_without_a_seed_is_refused(name):
    with pytest.raises(ValueError, match="seed=None"):
        SEEDED[name](IMAGES, None)


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ((-1, 0, 0), "shift=-1.*pixels"),
        ((13, 0, 0), r"shift=13.*\[0, 12\]"),
        ((0, -1, 0), "degrees=-1"),
        ((0, 181, 0), "degrees=181"),
        ((0, 0, -0.1), r"zoom=-0\.1"),
        ((0, 0, 0.6), r"zoom=0\.6.*0\.5"),
        ((np.nan, 0, 0), "shift=nan"),
    ],
)
def test_bad_moves_are_refused(limits, message):
    with pytest.raises(ValueError, match=message):
        move(IMAGES, *limits, seed=0)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: downsample(IMAGES, 3), "factor=3 does not divide images of 8x12"),
        (lambda: downsample(IMAGES, 0), "factor=0"),
        (lambda: upscale(IMAGES, 1.5, "bicubic"), r"factor=1\.5"),
        (lambda: upscale(IMAGES, 2, "cubic"), "'cubic'.*nearest, bilinear, bicubic"),
        (lambda: block(IMAGES, 2, value=2), "value=2"),
        (lambda: block_mask((8, 8), 2), r"shape=\(8, 8\)"),
        (lambda: Corruption("blur", 1), "'blur'.*gaussian, masking, salt_and_pepper, block"),
        (lambda: Corruption("masking", (0.5, 0.2)), "low <= high"),
        (lambda: Corruption("masking", (0.1, 0.2, 0.3)), "one number, or a pair"),
        (lambda: Corruption("masking", 0.1)(IMAGES[0]), r"\(n, h, w, c\)"),
    ],
)
def test_other_bad_arguments_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
