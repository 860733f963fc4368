"""The contract of the application, read from a script that nobody executes."""

from __future__ import annotations

import pytest

from subject.contract import AS_GIVEN, Application, application_of, found_in
from tests import ROOT

STARTER = (ROOT / "steps" / "starter" / "simple_api" / "student_age.py").read_bytes()
SCRIPT = """
auth = HTTPBasicAuth()
@auth.get_password
def get_password(username):
    if username == 'root':
        return 'secret'
    return None

@app.route('/')
def home():
    return 'hello'

@app.route('/school/api/v2/get_student_ages/<student_name>', methods=['GET'])
def one(student_name):
    return name

@app.route('/school/api/v2/get_student_ages', methods=['GET'])
@auth.login_required
def all():
    return jsonify({'student_ages': ages})
"""
OTHER = Application("/school/api/v2/get_student_ages", "root", "secret")


def test_the_given_script_says_what_is_given() -> None:
    assert found_in(STARTER) == AS_GIVEN


def test_a_school_has_another_route_and_other_credentials() -> None:
    assert found_in(SCRIPT.encode()) == OTHER


def test_what_a_script_does_not_say_is_as_given() -> None:
    assert found_in(b"@app.get('/ages')\ndef all(): pass") == Application("/ages")


@pytest.mark.parametrize(
    "said",
    ['ACCOUNTS = {"ann": "bee"}', 'f = lambda u: "bee" if u == "ann" else None',
     'def f(u, p): return u == "ann" and p == "bee"',
     'def f(u):\n  if u == "ann":\n    return "bee"'],
)  # fmt: skip
def test_a_login_is_said_in_several_ways(said: str) -> None:
    assert found_in(said.encode()) == Application(user="ann", password="bee")


@pytest.mark.parametrize(
    "script", [b"", b"def (", b"\0", b"(" * 10_000, b"@app.get('/a\\nb')\ndef f(): pass"]
)
def test_a_script_that_cannot_be_read_says_nothing(script: bytes) -> None:
    assert found_in(script) == AS_GIVEN


def test_the_given_script_can_serve_another_contract() -> None:
    assert found_in(OTHER.served_by(STARTER)) == OTHER
    assert AS_GIVEN.served_by(STARTER) == STARTER


def test_it_is_told_by_an_option() -> None:
    assert application_of({"build: application": OTHER.words}) == OTHER
    assert application_of({}) == application_of({"build: application": "x"}) == AS_GIVEN
