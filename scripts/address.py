"""Put the repository's address everywhere: `python -m scripts.address owner/name`.

It stands in pyproject.toml; from there it is carried to the Markdown files and to the notebooks' badges and
setup cells. Outputs and stamps stay valid, because the hash of the code does not see the address.
"""

import re
import sys

from scripts.project import (
    ROOT,
    exercises,
    lessons,
    read_notebook,
    replace_address,
    repository,
    write_notebook,
    write_text,
)

FORM = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,38})/[A-Za-z0-9._-]{1,100}")


def change(new, root=ROOT):
    """Replace the repository's address by `new` in the notebooks, *.md, */*.md, CITATION.cff and pyproject.toml.

    Args:
        new: "owner/name".
        root: the project's folder.

    Returns:
        list of the paths that changed.

    Raises:
        ValueError: when `new` is not of the form owner/name (without https:// and .git).
    """
    if not FORM.fullmatch(new) or new.endswith(".git") or new.split("/")[1] in (".", ".."):
        raise ValueError(f"{new!r} is not an address: write owner/name, without https:// and .git.")
    old, changed = repository(root), []
    students = sorted((root / "notebooks" / "exercises" / "student").glob("*.ipynb"))
    for path in [*lessons(root), *exercises(root), *students]:
        nb = read_notebook(path)
        sources = [cell.source for cell in nb.cells]
        for cell in nb.cells:
            cell.source = replace_address(cell.source, old, new)
        if sources != [cell.source for cell in nb.cells]:
            write_notebook(nb, path)
            changed.append(path)
    # pyproject.toml last: when something fails before, the old address is still known and this can run again
    texts = [*sorted(root.glob("*.md")), *sorted(root.glob("*/*.md")), *root.glob("CITATION.cff")]
    for path in [*texts, root / "pyproject.toml"]:
        text = path.read_text(encoding="utf-8")
        if replace_address(text, old, new) != text:
            write_text(path, replace_address(text, old, new))
            changed.append(path)
    return changed


def main(arguments):
    """Change the address to the one argument; return the exit code."""
    if len(arguments) != 1:
        print("Which repository? python -m scripts.address owner/name", file=sys.stderr)
        return 2
    try:
        changed = change(arguments[0])
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{arguments[0]}: {len(changed)} file(s) changed.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
