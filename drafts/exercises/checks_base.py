"""What all checks of the exercises share: a failure that says what was expected, what was found, and a hint."""


class CheckFailed(AssertionError):
    """An exercise's answer is not right yet. The message says what was expected, what was found, and gives a hint."""


def fail(expected, found, hint):
    """Raise CheckFailed with a message of three lines."""
    raise CheckFailed(f"\nExpected: {expected}\nFound:    {found}\nHint:     {hint}")


def call(function, *args, **kwargs):
    """Return what a student's function gives; its own exceptions become a CheckFailed that names them."""
    try:
        return function(*args, **kwargs)
    except Exception as error:
        if isinstance(error, NotImplementedError) and str(error).startswith("hint: "):  # the stub, not Keras' own
            fail("an answer", "the exercise is not solved yet", str(error).removeprefix("hint: "))
        fail("a function that runs", f"{type(error).__name__}: {error}", "Read the last line of the error.")


def passed(what):
    """Print one line."""
    print(f"✔ {what}")
