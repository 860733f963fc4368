"""The students as the API itself gives them: what a page is compared with."""

from __future__ import annotations

from itertools import islice

from labkit.course import CannotTellError, not_met
from labkit.facts.http.curl import curl
from labkit.locale import _
from labkit.remote import Shell
from subject.contract import API_PORT, JUDGED_BY
from subject.roles import Stack

MOST_STUDENTS = 200  # that a page is looked through for


def students_of(shell: Shell, stack: Stack) -> dict[str, str]:
    """Name -> age, asked of the API's container from the machine that it runs on.

    Not met if it answers something else; CannotTellError if it does not answer, or has nobody: then
    no page can be judged by it.
    """
    for address in stack.api.addresses if stack.api else []:
        application = JUDGED_BY.get()
        url = f"http://{address}:{API_PORT}{application.path}"
        answer = curl(shell, url, user=application.credentials)
        found = answer.json()
        listed = found.get("student_ages") if isinstance(found, dict) else None
        if answer.status == 200 and isinstance(listed, dict) and listed:
            named = ((str(name), str(age)) for name, age in listed.items() if name.strip())
            return dict(islice(named, MOST_STUDENTS))
        if answer.status not in (0, 200):
            not_met(
                expected=_("a list from the API on {machine}", machine=shell.name),
                seen=_("status {status}: {body}", status=answer.status, body=answer.body[:160]),
                where=f"{shell.name} $ curl {url}",
            )
    raise CannotTellError(
        _("the API on {machine} gives no list to compare with", machine=shell.name)
    )
