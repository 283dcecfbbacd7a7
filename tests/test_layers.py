"""Pooling that remembers, and its two partners: the lectures' example, brute force, gradients, files, bad inputs."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from utils.layers import BedOfNails2D, MaxPoolingWithIndices2D, MaxUnpooling2D

LECTURE = np.float32([[20, 14, 50, 94], [31, 78, 27, 23], [73, 12, 33, 47], [52, 45, 19, 17]])  # lecture 000
LAYERS = (MaxPoolingWithIndices2D, MaxUnpooling2D, BedOfNails2D)


def image(rows):
    """A list of rows as one image of one channel."""
    return np.float32(rows)[None, :, :, None]


def rows(images):
    """The first channel of the first image, as lists."""
    return ops.convert_to_numpy(images)[0, :, :, 0].tolist()


def arrays(*tensors):
    return [ops.convert_to_numpy(tensor) for tensor in tensors]


def windows(shape, pool):
    """Yield (image, row, column, channel) of every window of images of this shape."""
    n, h, w, c = shape
    return np.ndindex(n, h // pool, w // pool, c)


def pooled_by_loops(x, pool):
    """Maxima and the first position of each, window by window."""
    maxima = np.zeros((x.shape[0], x.shape[1] // pool, x.shape[2] // pool, x.shape[3]), x.dtype)
    indices = np.zeros(maxima.shape, "int32")
    for n, i, j, c in windows(x.shape, pool):
        window = x[n, i * pool : (i + 1) * pool, j * pool : (j + 1) * pool, c]
        best = (0, 0)
        for place in np.ndindex(pool, pool):
            if window[place] > window[best]:
                best = place
        maxima[n, i, j, c], indices[n, i, j, c] = window[best], best[0] * pool + best[1]
    return maxima, indices


def unpooled_by_loops(x, indices, pool):
    out = np.zeros((x.shape[0], x.shape[1] * pool, x.shape[2] * pool, x.shape[3]), x.dtype)
    for n, i, j, c in windows(out.shape, pool):
        row, column = divmod(int(indices[n, i, j, c]), pool)
        out[n, i * pool + row, j * pool + column, c] = x[n, i, j, c]
    return out


def with_ties(shape, seed=0):
    """Random integers 0..3, so that most windows hold their maximum more than once."""
    return np.random.default_rng(seed).integers(0, 4, shape).astype("float32")


def test_lecture_pooling():
    maxima, indices = MaxPoolingWithIndices2D()(image(LECTURE))
    assert rows(maxima) == [[78, 94], [73, 47]]
    assert rows(indices) == [[3, 1], [0, 1]]


def test_lecture_unpooling():
    maxima, indices = MaxPoolingWithIndices2D()(image(LECTURE))
    expected = [[0, 0, 0, 94], [0, 78, 0, 0], [73, 0, 0, 47], [0, 0, 0, 0]]
    assert rows(MaxUnpooling2D()(maxima, indices)) == expected


def test_lecture_bed_of_nails():
    expected = [[78, 0, 94, 0], [0, 0, 0, 0], [73, 0, 47, 0], [0, 0, 0, 0]]
    assert rows(BedOfNails2D()(image([[78, 94], [73, 47]]))) == expected


@pytest.mark.parametrize(
    ("shape", "pool"), [((3, 6, 8, 2), 2), ((2, 9, 6, 3), 3), ((1, 4, 4, 1), 4), ((2, 3, 5, 2), 1)]
)
def test_against_loops(shape, pool):
    x = with_ties(shape)
    maxima, indices = arrays(*MaxPoolingWithIndices2D(pool)(x))
    expected, places = pooled_by_loops(x, pool)
    np.testing.assert_array_equal(maxima, expected)
    np.testing.assert_array_equal(indices, places)
    assert indices.dtype == np.int32
    other = np.random.default_rng(1).normal(size=maxima.shape).astype("float32")  # what a decoder may have computed
    (unpooled,) = arrays(MaxUnpooling2D(pool)(other, indices))
    np.testing.assert_array_equal(unpooled, unpooled_by_loops(other, places, pool))
    (nails,) = arrays(BedOfNails2D(pool)(other))
    np.testing.assert_array_equal(nails, unpooled_by_loops(other, 0 * places, pool))


def test_maxima_are_those_of_keras():
    x = np.random.default_rng(2).normal(size=(4, 10, 6, 5)).astype("float32")
    ours, theirs = arrays(MaxPoolingWithIndices2D()(x)[0], keras.layers.MaxPooling2D()(x))
    np.testing.assert_array_equal(ours, theirs)


def test_negative_images():
    maxima, indices = MaxPoolingWithIndices2D()(image([[-3, -1], [-2, -1]]))
    assert (rows(maxima), rows(indices)) == ([[-1]], [[1]])


def test_pooling_an_unpooled_image_returns_it():
    x = 1 + with_ties((2, 8, 8, 3))  # positive: the zeros in between are never the maximum
    pool, unpool = MaxPoolingWithIndices2D(), MaxUnpooling2D()
    maxima, indices = pool(x)
    for ours, expected in zip(pool(unpool(maxima, indices)), (maxima, indices), strict=True):
        np.testing.assert_array_equal(*arrays(ours, expected))


def test_unpooling_keeps_what_was_chosen_and_its_gradient():
    x = tf.constant(with_ties((2, 4, 6, 3)))
    weights = np.random.default_rng(3).normal(size=x.shape).astype("float32")
    with tf.GradientTape() as tape:
        tape.watch(x)
        maxima, indices = MaxPoolingWithIndices2D()(x)
        y = MaxUnpooling2D()(maxima, indices)
        value = ops.sum(y * weights)
    _, places = pooled_by_loops(x.numpy(), 2)
    mask = unpooled_by_loops(np.ones(places.shape, "float32"), places, 2)  # 1 at the first maximum of each window
    unpooled, gradient = arrays(y, tape.gradient(value, x))
    np.testing.assert_array_equal(unpooled, mask * x.numpy())
    np.testing.assert_array_equal(gradient, mask * weights)


def test_gradients_by_finite_differences():
    rng = np.random.default_rng(4)
    x = rng.permutation(2 * 4 * 4 * 2).reshape(2, 4, 4, 2).astype("float32")  # no ties, gaps of 1
    small = rng.normal(size=(2, 2, 2, 2)).astype("float32")
    indices = rng.integers(0, 4, small.shape).astype("int32")
    cases = (
        (x, lambda x: MaxPoolingWithIndices2D()(x)[0]),
        (small, lambda x: MaxUnpooling2D()(x, indices)),
        (small, BedOfNails2D()),
    )
    for x, function in cases:
        weights = rng.normal(size=function(x).shape).astype("float32")
        variable = tf.Variable(x)
        with tf.GradientTape() as tape:
            value = ops.sum(function(variable) * weights)
        gradient = tape.gradient(value, variable).numpy()
        for place in np.ndindex(x.shape):
            step = np.zeros_like(x)
            step[place] = 0.25
            change = ops.sum((function(x + step) - function(x - step)) * weights)
            assert float(change) / 0.5 == pytest.approx(gradient[place], abs=1e-4)


def two_levels(channels):
    """A functional model that pools twice and unpools twice, as SegNet does."""
    inputs = keras.Input((8, 12, channels))
    pooled, first = MaxPoolingWithIndices2D()(inputs)
    pooled, second = MaxPoolingWithIndices2D(pool_size=2)(keras.layers.Conv2D(4, 3, padding="same")(pooled))
    up = MaxUnpooling2D()(pooled, second)
    up = MaxUnpooling2D()(keras.layers.Conv2D(channels, 3, padding="same")(up), first)
    nails = BedOfNails2D(4)(keras.layers.Conv2D(channels, 1)(pooled))
    return keras.Model(inputs, [up, nails])


@pytest.mark.parametrize("channels", [1, 3])
def test_shapes_and_keras_file(channels, tmp_path):
    model = two_levels(channels)
    assert [tuple(out.shape) for out in model.outputs] == [(None, 8, 12, channels)] * 2
    x = np.random.default_rng(5).normal(size=(5, 8, 12, channels)).astype("float32")
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    for before, after in zip(model(x), loaded(x), strict=True):
        np.testing.assert_array_equal(*arrays(before, after))
    assert [type(layer) for layer in loaded.layers] == [type(layer) for layer in model.layers]


def test_symbolic_outputs_have_the_dtypes():
    maxima, indices = MaxPoolingWithIndices2D()(keras.Input((4, 4, 3)))
    assert (maxima.dtype, indices.dtype, indices.shape) == ("float32", "int32", (None, 2, 2, 3))


def test_mixed_precision_leaves_the_indices_whole():
    maxima, indices = MaxPoolingWithIndices2D(dtype="mixed_float16")(image(LECTURE))
    up = MaxUnpooling2D(dtype="mixed_float16")(maxima, indices)
    assert (maxima.dtype, indices.dtype, up.dtype) == (tf.float16, tf.int32, tf.float16)
    assert rows(up)[0] == [0, 0, 0, 94]


@pytest.mark.parametrize("xla", [False, True])
def test_trains_inside_a_compiled_step(xla):
    x = np.random.default_rng(6).normal(size=(8, 8, 12, 1)).astype("float32")
    inputs = keras.Input((8, 12, 1))
    pooled, indices = MaxPoolingWithIndices2D()(keras.layers.Conv2D(2, 3, padding="same")(inputs))
    outputs = keras.layers.Conv2D(1, 3, padding="same")(MaxUnpooling2D()(pooled, indices))
    model = keras.Model(inputs, outputs)
    model.compile("adam", "mse", jit_compile=xla)
    losses = model.fit(x, x, epochs=30, batch_size=8, verbose=0).history["loss"]
    assert losses[-1] < losses[0]


@pytest.mark.parametrize(("shape", "pool"), [((1, 5, 4, 1), 2), ((1, 4, 5, 1), 2), ((1, 8, 8, 1), 3)])
def test_images_that_windows_do_not_tile(shape, pool):
    message = f"windows of {pool}x{pool} do not tile images of {shape[1]}x{shape[2]}; pad or crop"
    with pytest.raises(ValueError, match=message):
        MaxPoolingWithIndices2D(pool)(np.zeros(shape, "float32"))
    with pytest.raises(ValueError, match=message):  # already while a model is built
        MaxPoolingWithIndices2D(pool)(keras.Input(shape[1:]))


def test_images_of_unknown_size_or_rank():
    with pytest.raises(ValueError, match="known h, w and c expected"):
        MaxPoolingWithIndices2D()(keras.Input((None, None, 3)))
    with pytest.raises(ValueError, match=r"images \(n, h, w, c\)"):
        BedOfNails2D()(np.zeros((4, 4, 1), "float32"))


def test_indices_of_another_shape():
    with pytest.raises(ValueError, match="must have the same shape"):
        MaxUnpooling2D()(np.zeros((1, 2, 2, 3), "float32"), np.zeros((1, 2, 2, 1), "int32"))


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("pool", [0, -2, 2.0, "2", True, (2, 2), None])
def test_bad_pool_sizes(layer, pool):
    with pytest.raises(ValueError, match="pool_size must be a positive integer"):
        layer(pool)


@pytest.mark.parametrize("layer", LAYERS)
def test_config(layer):
    config = layer(3, name="mine").get_config()
    assert (config["pool_size"], config["name"]) == (3, "mine")
    assert layer.from_config(config).pool_size == 3
