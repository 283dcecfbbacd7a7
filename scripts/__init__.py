"""What the Makefile calls; run a module as `python -m scripts.NAME` from the project's folder."""
