"""Checks that students run on their answers: one module per lesson, `from checks import lesson_12 as checks`.

Every check takes what the student made, says in a line or two that it is right, and otherwise raises `CheckFailed`
with what was expected, what was found, and a hint. It judges behaviour, so every right solution passes, however it is
written. Usual wrong solutions get a hint of their own; the tests hold them.
"""

from checks.base import CheckFailed

__all__ = ["CheckFailed"]
