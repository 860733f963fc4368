"""c) The image student-age, judged by running it."""

from __future__ import annotations

from collections.abc import Callable

from checks.judging import must_pass
from checks.trial import RunningImage, must_answer
from labkit.course import check, expect
from labkit.grading import Context
from labkit.locale import _
from subject.contract import Application


@check(
    points=0.5,
    needs="dockerfile.builds",
    probes=(
        "The tagged images of web1 are listed: the name of one of them, without registry and tag, "
        "must begin with student-age (student_age and StudentAge will do)."
    ),
    why=(
        "Compose and the registry find an image by its name alone; one without a name disappears "
        "at the next docker image prune."
    ),
    hints=[
        "docker images shows the images of a machine. What is yours called?",
        "docker build -t NAME gives the image its name.",
        "cd /srv/student-list && docker build -t student-age:1.0 simple_api",
    ],
)
def test_image(image: str) -> None:
    """There is an image named student-age on web1."""
    assert image


@check(
    points=0.5,
    needs=["build.image", "dockerfile.command"],
    probes=(
        "The image is run on web1, with a data file whose only student has a name made up at that "
        "moment. Within 15 s, longer on a busy computer, it must answer on port 5000; asked as "
        "toto, it must give that student with status 200."
    ),
    why=(
        "An image that builds may still fail when it starts: a package is missing, the script lies "
        "elsewhere. And a list written into the image would show old students for ever."
    ),
    hints=[
        "Start a container of the image and look at docker logs: does it go on running?",
        "The API answers on port 5000 and reads /data/student_age.json at each request.",
        (
            "Dockerfile: FROM python:3.12-slim · WORKDIR /app · COPY requirements.txt . · RUN pip "
            'install -r requirements.txt · COPY student_age.py . · CMD ["python", '
            '"student_age.py"]; student_age.py as given: /data/student_age.json, host="0.0.0.0", '
            "port=5000; then docker build -t student-age:1.0 simple_api"
        ),
    ],
)
def test_runs(api: RunningImage, application: Application) -> None:
    """It runs, and with the right credentials gives the students of its data file."""
    answer = api.get(application.path, application.credentials)
    must_answer(answer, status=200)
    found = answer.json()
    students = found.get("student_ages") if isinstance(found, dict) else None
    expect(
        isinstance(students, dict) and str(students.get(api.student)) == api.age,
        expected=_("the student of the file mounted at /data/student_age.json"),
        seen=answer.body[:200],
        where=answer.url,
    )


@check(
    points=0.25,
    needs="build.runs",
    probes=(
        "The same running image is asked for the list twice from web1, without credentials and as "
        "toto with a wrong password; both answers must be 401."
    ),
    why=(
        "The list is personal data. What can be read without a password is read sooner or later by "
        "somebody who scans the network."
    ),
    hints=[
        "What does the API answer to somebody who does not give a password?",
        "Every request for the list must be authenticated; without credentials the answer is 401.",
        (
            "In student_age.py, the line @auth.login_required stands above the function of the "
            "list: def get_student_ages():"
        ),
    ],
)
def test_auth(api: RunningImage, application: Application) -> None:
    """Without credentials, or with wrong ones, it answers 401."""
    must_answer(api.get(application.path), status=401)
    must_answer(api.get(application.path, (application.user, "not-the-password")), status=401)


@check(
    points=0.25,
    needs="build.auth",
    drill="garbage",
    probes=(
        "The drill garbage runs the image alone on web1, asks it rightly and wrongly at the same "
        "time, and sends it bytes that are no HTTP at all; everybody must be answered as they "
        "deserve, and nobody let in without the password."
    ),
    why=(
        "Whatever listens on a network gets garbage before long. A service that stumbles over it "
        "is down for everybody, also for those who asked rightly."
    ),
    hints=[
        "Ask the API for a path that does not exist: does it still answer the next question?",
        "A bad request is answered with a status between 400 and 499, and changes nothing else.",
        'CMD runs the given student_age.py, unchanged: CMD ["python", "student_age.py"]',
    ],
)
def test_bears(context_of_run: Context, note: Callable[[str], None]) -> None:
    """Alone under light load it answers everybody, bad requests and garbage notwithstanding."""
    must_pass(context_of_run, "garbage", note)
