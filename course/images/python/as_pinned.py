def _as_pinned() -> None:
    """What is pinned is installed as it is pinned, also where it never fitted.

    Wheels of their time ask for what they fitted together with, and pip refuses Flask 1.1.2 beside
    a Werkzeug 2.3.8 that is pinned as well. Elsewhere both are installed, and what they make does
    not start: there the mistake has to show here, too. So the wheels are taken as they were
    published. Appended to pip's own first module.
    """
    import itertools
    import json
    import os
    import pathlib
    import re
    import sys

    folder = "/usr/share/labkit/wheels-of-their-time"
    links = os.environ.get("PIP_FIND_LINKS", "").split()
    if folder not in links or "install" not in sys.argv:
        return
    given = list(sys.argv)
    for word, following in itertools.pairwise(sys.argv):
        path = following if word in ("-r", "--requirement") else word.partition("--requirement=")[2]
        try:
            given += pathlib.Path(path).read_text("utf-8", "replace")[:100_000].splitlines()
        except OSError:
            continue

    def release(text: str) -> tuple[int, ...]:
        return tuple(map(int, text.split(".")))

    pins = {}
    for text in given:
        found = re.match(r"\s*([A-Za-z0-9._-]+)(?:\[[^\]]*\])?\s*==\s*(\d+(?:\.\d+)*)", text)
        if found:
            pins[re.sub(r"[-_.]+", "_", found[1].lower())] = release(found[2])
    bounds = json.loads(pathlib.Path(folder, "bounds.json").read_text("utf-8"))
    for name, first, wanted in bounds:
        asking = pins.get(name)
        for other, below in (one.split("<") for one in wanted):
            if asking and asking < tuple(first) and pins.get(other, ()) >= release(below):
                links.remove(folder)
                os.environ["PIP_FIND_LINKS"] = " ".join(links)
                return


_as_pinned()
