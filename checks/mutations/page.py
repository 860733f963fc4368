"""Faults in website/index.php."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from checks.mutations.planting import Artefact, Mutate, either, ended, sub

planted = Artefact("index", "website/index.php")

URL = r"(https?://)([^/'\"\s:]*)((?::[^/'\"\s]*)?)(/pozos/[^'\"\s?]*)"
EACH_STUDENT = re.compile(
    r"(?P<before>foreach\s*\(\s*)(?P<list>\S.*?)(?P<as>\s+as\s+)"
    r"(?P<name>\$\w+)\s*=>\s*(?P<age>\$\w+)\s*\)"
)
BUTTON = r"<button\b[\s\S]*?</button>|<input\b[^>]*type\s*=\s*[\"']?submit\b[^>]*>"


def address(new: str) -> Mutate:
    """The API's address replaced in its URL."""
    return sub(URL, rf"\g<1>{new}\g<4>")


def students(new: Callable[[str], str]) -> Mutate:
    """The loop over the students, over something else."""
    return lambda text: [
        EACH_STUDENT.sub(
            lambda found: found[0].replace(
                f"{found['before']}{found['list']}", f"{found['before']}{new(found['list'])}", 1
            ),
            text,
        )
    ]


def instead(printed: str, by: str) -> Mutate:
    """In the loop, one of its two variables printed in place of the other."""

    def mutate(text: str) -> Iterator[str]:
        found = EACH_STUDENT.search(text)
        if found:
            rest = re.sub(re.escape(found[printed]) + r"\b", lambda _: found[by],
                          text[found.end() :])  # fmt: skip
            yield text[: found.end()] + rest

    return mutate


def form_by_get(text: str) -> Iterator[str]:
    """The form's method changed where the page looks for a POST."""
    if re.search(r"\$_POST\b|[\"']POST[\"']", re.sub(r"<form\b[^>]*>", "", text)):
        yield from sub(r"(<form\b[^>]*method\s*=\s*[\"']?)post", r"\1get")(text)


MUTATIONS = (
    planted("placeholder", "index.service_name", address("<api_ip_or_name:port>"),
            "The line of the address was not edited."),
    planted("address", "index.service_name", address("172.18.0.2:5000"),
            "The container's address of the day in place of its name."),
    planted("other-name", "index.service_name",
            either(address("student-age-api:5000"), address("localhost:5000")),
            "A name that is not the API's service."),
    planted("other-port", "index.reaches", sub(URL, r"\1\2:8000\4"),
            "A port that the API does not listen on."),
    planted("no-port", "index.reaches", sub(URL, r"\1\2\4"),
            "The port is forgotten: the page asks port 80."),
    planted("no-pozos", "index.reaches", sub(URL, r"\1\2\3/api/v1.0/get_student_ages"),
            "The path is cut short."),
    planted("other-path", "index.reaches", sub(URL, r"\1\2\3/pozos/api/v1.0/students"),
            "A path that the API does not have."),
    planted("https", "index.reaches", sub(URL, r"https://\2\3\4"),
            "The API is asked by TLS, which it does not speak."),
    planted("unclosed-quote", "index.valid", sub(rf"{URL}[\"']", r"\1\2\3\4"),
            "The quote after the address was lost while it was edited."),
    planted("no-semicolon", "index.valid", sub(rf"({URL}[\"']);(?!\s*\?>)", r"\1"),
            "The semicolon after the address was lost while it was edited."),
    planted("no-button", "verify.form", sub(BUTTON, ""), "The form has no button."),
    planted("no-form", "verify.form", sub(r"</?form\b[^>]*>", ""), "There is no form."),
    planted("idle-button", "verify.form",
            sub(r"((?:<button|<input)\b[^>]*type\s*=\s*[\"']?)submit\b", r"\1button"),
            "The button sends nothing."),
    planted("form-elsewhere", "verify.list",
            sub(r"<form\b", '<form action="/list.php"', count=1),
            "The form goes to a page that does not exist."),
    planted("not-printed", "verify.list", students(lambda _list: "[]"),
            "The list is fetched, but not printed."),
    planted("first-only", "verify.list", students(lambda one: f"array_slice({one}, 0, 1)"),
            "The first student alone is printed."),
    planted("no-ages", "verify.list", instead("age", by="name"), "The ages are not printed."),
    planted("no-names", "verify.list", instead("name", by="age"), "The names are not printed."),
    planted("ages-swapped", "verify.list",
            students(lambda one: f"array_combine(array_keys({one}), array_reverse({one}))"),
            "Each student is given another one's age."),
    planted("hard-coded", "verify.list",
            students(lambda _list: "['alice' => '12', 'bob' => '13']"),
            "Today's list stands in the page; the API's is not printed."),
    planted("form-by-get", "verify.list", form_by_get,
            "The form is sent by GET, and the page waits for a POST."),
    planted("old-list", "verify.list", students(lambda _list: "['toto' => '20', 'titi' => '21']"),
            "An old list stands in the page; the API's is not printed."),
    planted("other-key", "verify.list",
            sub(r"(\[\s*[\"'])student_ages([\"']\s*\])|(->)student_ages\b", r"\1\3students\2"),
            "The list is looked for under another key of the answer."),
    planted("other-variable", "verify.list",
            either(sub(r"getenv\(\s*([\"'])USERNAME\1", r"getenv(\1USER\1"),
                   sub(r"getenv\(\s*([\"'])PASSWORD\1", r"getenv(\1PASSWD\1")),
            "The page reads its credentials from variables that it is not given."),
    planted("no-credentials", "verify.list", sub(r"Authorization: Basic", "X-Login: Basic"),
            "The API is not shown the credentials."),
    planted("unknown-function", "verify.list", sub(r"\bjson_decode\s*\(", "json_parse("),
            "A function of another language, which PHP meets only when the button is pressed."),
    planted.same("comment", sub(r"\A(\s*<\?php)\b", r"\1 // The page."), "A comment.",
                 "PHP does not read comments."),
    planted.same("blank-lines", ended("\n"), "Blank lines at the end.",
                 "Nobody sees white space at the end of a page."),
    planted.same("other-title", sub(r"<title>[^<]*</title>", "<title>My students</title>"),
                 "Another title.", "Its title is the student's to choose."),
)  # fmt: skip
