"""The checks stand in checks/, at the top of the project."""

from pathlib import Path

__path__ = [str(Path(__file__).resolve().parents[2] / "checks")]  # until the exercises are redone
