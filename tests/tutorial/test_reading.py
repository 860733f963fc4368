"""The blocks of the pages are read as their authors meant them, and none is left out in silence."""

from __future__ import annotations

import pytest

from tests.tutorial.reading import (
    AUTHORS,
    MACHINES,
    PAGES,
    ROOT,
    blocks,
    is_among,
    page,
    points,
)  # fmt: skip

TEXT = """
=== "Debian"
    ```console title="lb"
    apt
    ```

=== "Rocky 9"
    ```console title="lb"
    dnf
    ```

Then:

```console title="web1, lb"
one
two
```

```text
o…e
```

<!-- not run: it needs a hand -->
```console
by hand
```

<!-- exit 1 -->
```console
false
```

```ini title="lb: /etc/x.conf (+)"
a = 1
```

## What is checked (1.25 points) { #checked }
"""


def test_blocks_are_read() -> None:
    debian, rocky, typed, output, by_hand, fails, file = blocks(TEXT)
    assert (debian.skipped, rocky.skipped) == ("", "for Rocky 9")
    assert typed.machines == ("web1", "lb")
    assert typed.body == "one\ntwo\n"
    assert output.is_output
    assert not output.is_commands
    assert not output.is_file
    assert by_hand.skipped == "it needs a hand"
    assert (typed.code, fails.code) == (0, 1)
    assert (file.is_file, file.machines, file.path, file.is_added) == (
        True, ("lb",), "/etc/x.conf", True,
    )  # fmt: skip
    assert points(TEXT) == 1.25
    assert points("## What is checked { #checked }") is None


def test_expected_output_is_found_or_named() -> None:
    assert is_among("a\n…c\n", "x\n  a\nabc\n") == ""
    assert is_among("a\nb\n", "b\na\n") == "b"
    assert is_among("a…b\n", "ab\n") == ""
    assert is_among("a.b\n", "axb\n") == "a.b"


ALL_PAGES = sorted(path.name for path in (ROOT / "docs" / "fr").glob("*.md"))


@pytest.mark.parametrize("name", ALL_PAGES)
def test_both_languages_give_the_same_trace(name: str) -> None:
    assert blocks(page("fr", name)) == blocks(page("en", name))


@pytest.mark.parametrize("name", ALL_PAGES)
def test_what_is_not_run_says_why(name: str) -> None:
    """A block of commands is on a page that is carried out, or its reason stands above it."""
    for one in blocks(page("fr", name)):
        if one.is_commands and not one.skipped:
            assert name in (*PAGES, AUTHORS), f"{name}:{one.line}"
            assert one.machines or one.title in ("", "~/student-list"), (name, one.line)
            assert set(one.title.split(", ")) <= {*MACHINES, "", "~/student-list"}
