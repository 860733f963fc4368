"""Forms as people write them: which has the button, and what is sent when it is pressed."""

from __future__ import annotations

import re

import pytest

from labkit.facts.http.pages import ElsewhereError, Form, Page, asks_by_script, form_of


def page(html: str) -> Page:
    return Page("http://web1/", 200, html)


OTHER = """<input name="who" value="all"><input type="hidden" name="t" value="1">
<input type="submit" name="other" value="x">"""
BUTTON = '<button name="submit" value="list">List</button>'


@pytest.mark.parametrize(
    ("html", "form"),
    [
        (f'<form method="post">{BUTTON}</form>', Form("/", "post", {"submit": "list"})),
        (f'<form method="POST" action="">{BUTTON}</form>', Form("/", "post", {"submit": "list"})),
        (f"<form>{BUTTON}</form>", Form("/", "get", {"submit": "list"})),
        ('<form method="post"><input type="submit" name="go" value="List"></form>',
         Form("/", "post", {"go": "List"})),
        ('<form method="post"><input type="SUBMIT"></form>', Form("/", "post", {})),
        ('<form method="get" action="list.php"><input type="image" src="x" name="i"></form>',
         Form("/list.php", "get", {"i.x": "0", "i.y": "0"})),
        ('<form><input type="IMAGE" src="x" alt="List"></form>',
         Form("/", "get", {"x": "0", "y": "0"})),
        ("<form method=post><button>List</button></form>", Form("/", "post", {})),
        (f"<form method=post>{OTHER}{BUTTON}</form>",
         Form("/", "post", {"who": "all", "t": "1", "other": "x"})),
        (f'<form><input type="text"></form><form method="post">{BUTTON}</form>',
         Form("/", "post", {"submit": "list"})),
        (f'<form action="/a/b.php?x=1" method="post">{BUTTON}</form>',
         Form("/a/b.php?x=1", "post", {"submit": "list"})),
        (f'<form action="http://web1/x" method="post">{BUTTON}</form>',
         Form("/x", "post", {"submit": "list"})),
        ('<form action="/a" method="get"><button formaction="b.php" formmethod="POST">x</button>',
         Form("/b.php", "post", {})),
        (f'<form action="?list" method="post">{BUTTON}</form>',
         Form("/?list", "post", {"submit": "list"})),
        ('<form method=post><button type="button">No</button><button name="b">Yes</button></form>',
         Form("/", "post", {"b": ""})),
        ('<form method=post><button type="reset">No</button><input type="submit" name="b"></form>',
         Form("/", "post", {"b": ""})),
    ],
)  # fmt: skip
def test_a_form_is_sent_as_a_browser_would(html: str, form: Form) -> None:
    assert form_of(page(html)) == form


@pytest.mark.parametrize(
    "html",
    [
        "", "<p>Hello</p>", BUTTON, "<form></form>", '<form><input name="x"></form>',
        '<form><button type="button">List</button></form>',
        '<form><button type="reset">List</button></form>',
        '<form><input type="button" value="List"></form>', '<a href="?list">List</a>',
    ],
)  # fmt: skip
def test_without_a_button_that_sends_there_is_no_form(html: str) -> None:
    assert form_of(page(html)) is None


def test_a_form_that_leads_elsewhere_is_not_sent() -> None:
    with pytest.raises(ElsewhereError, match="http://other/"):
        form_of(page(f'<form action="http://other/">{BUTTON}</form>'))


RARER = {
    "a choice": (
        f'<form method="post"><select name="s"><option value="1"></select>{BUTTON}</form>',
        {"s": "1", "submit": "list"},
    ),
    "a text area": (
        f'<form method="post"><textarea name="t">x</textarea>{BUTTON}</form>',
        {"t": "x", "submit": "list"},
    ),
    "a box that is not ticked": (
        f'<form method="post"><input type="checkbox" name="c" value="1">{BUTTON}</form>',
        {"submit": "list"},
    ),
    "a box that is ticked, and one of two": (
        f"""<form method="post"><input type="checkbox" name="c" checked>
        <input type="radio" name="r" value="1"><input type="radio" name="r" value="2" checked>
        <input type="radio" name="r" value="3">{BUTTON}</form>""",
        {"c": "on", "r": "2", "submit": "list"},
    ),
    "a choice that was made": (
        f"""<form method="post"><select name="s"><option>one<option selected>two</select>
        <select name="m" multiple><option>x</select><select name="e"></select>{BUTTON}</form>""",
        {"s": "two", "submit": "list"},
    ),
    "what cannot be used": (
        f"""<form method="post"><input name="x" disabled><input type="reset" name="y" value="z">
        <button disabled>No</button>{BUTTON}</form>""",
        {"submit": "list"},
    ),
    "fields of other forms": (
        f"""<form method="post" id="a"><input name="b" form="b"><input name="n" form="none">
        {BUTTON}</form><form id="b"></form><input name="loose"><textarea name="t" form="a">""",
        {"submit": "list", "t": ""},
    ),
    "a button of a form elsewhere": (
        '<form id="f" method="post"></form><button form="f" name="submit" value="list">x</button>',
        {"submit": "list"},
    ),
    "an action of the button": (
        '<form><button formmethod="post" name="submit" value="list">x</button></form>',
        {"submit": "list"},
    ),
}


@pytest.mark.parametrize(("html", "fields"), RARER.values(), ids=RARER)
def test_rarer_forms_are_sent_as_a_browser_would(html: str, fields: dict[str, str]) -> None:
    form = form_of(page(html))
    assert form is not None
    assert (form.method, form.fields) == ("post", fields)


@pytest.mark.parametrize(
    ("html", "fields"),
    [
        (f'<form method="post"><button name="clear">Effacer</button>{BUTTON}</form>',
         {"submit": "list"}),
        (f'<form action="http://other/"><input type=submit></form><form>{BUTTON}</form>',
         {"submit": "list"}),
        ('<form><input type="submit" name="a" value="Ok"><button name="list">Ok</button></form>',
         {"list": ""}),
        ('<form><button name="a">Ok</button><button name="b">Ok</button></form>', {"a": ""}),
        ('<form><button name="a">Ok</button><input type="image" alt="The list"></form>',
         {"x": "0", "y": "0"}),
    ],
)  # fmt: skip
def test_of_several_buttons_the_one_that_is_sought(html: str, fields: dict[str, str]) -> None:
    form = form_of(page(html), re.compile("list", re.I))
    assert form is not None
    assert form.fields == fields


@pytest.mark.parametrize(
    "script",
    ["fetch('/list.php')", "new XMLHttpRequest()", "$.getJSON ('x')", "axios.get('x')"],
)
def test_a_page_may_ask_by_a_script(script: str) -> None:
    assert asks_by_script(f"<button onclick=go()></button><script>{script}</script>")


@pytest.mark.parametrize("html", ["<p>fetch the list</p>", "<script>alert('x')</script>", ""])
def test_most_pages_do_not(html: str) -> None:
    assert not asks_by_script(html)
