"""JUnit XML as GitLab and the usual report actions read it.

The set of attributes is the common one of pytest's xunit2 family. GitLab shows `classname` as the
suite, ignores all but the first of equal names, and has ignored the `message` attribute, so the
text stands in the element's body too (gitlab-foss issue 53668). In `system-out`, it takes
`[[ATTACHMENT|path]]` for a file to offer: no message may say so.
"""

from __future__ import annotations

from xml.etree import ElementTree as ET

from labkit.course import Verdict
from labkit.grading.model import CheckResult, GradeResult, StepResult
from labkit.grading.writers.safe import cleaned
from labkit.grading.writers.summary import details
from labkit.words import verdict_word

ELEMENT = {
    Verdict.FAILED: "failure",
    Verdict.INCONCLUSIVE: "error",  # the judge's own trouble, not the learner's
    Verdict.BLOCKED: "skipped",
}


def as_junit(result: GradeResult) -> str:
    """The result as JUnit XML: a suite per step, a case per check."""
    result = cleaned(result)
    root = ET.Element("testsuites", {"name": result.course, **_counts(result.checks)})
    root.set("time", f"{result.seconds:.1f}")
    for step in result.steps:
        root.append(_suite(result, step))
    ET.indent(root)
    text = ET.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'


def _suite(result: GradeResult, step: StepResult) -> ET.Element:
    name = f"{step.number:02}-{step.slug}"
    suite = ET.Element("testsuite", {"name": name, **_counts(step.checks)})
    suite.set("time", f"{sum(check.seconds for check in step.checks):.3f}")
    suite.set("timestamp", result.started)
    suite.set("hostname", result.lab.get("name", ""))
    properties = ET.SubElement(suite, "properties")
    for key, value in {"points": step.points, "points_max": step.points_max}.items():
        ET.SubElement(properties, "property", {"name": key, "value": f"{value:g}"})
    for check in step.checks:
        suite.append(_case(check, name))
    return suite


def _case(check: CheckResult, classname: str) -> ET.Element:
    case = ET.Element("testcase", {"classname": classname, "time": f"{check.seconds:.3f}"})
    case.set("name", f"{check.title} ({check.id})")  # titles alone need not be unique
    if check.verdict in ELEMENT:
        lines = details(check) or [verdict_word(check.verdict)]
        kind = {"message": check.message or lines[0], "type": str(check.verdict)}
        ET.SubElement(case, ELEMENT[check.verdict], kind).text = "\n".join(lines)
    elif check.message:
        ET.SubElement(case, "system-out").text = check.message.replace("[[", "[ [")
    return case


def _counts(checks: list[CheckResult]) -> dict[str, str]:
    found = [check.verdict for check in checks]
    return {
        "tests": str(len(found)),
        "failures": str(found.count(Verdict.FAILED)),
        "errors": str(found.count(Verdict.INCONCLUSIVE)),
        "skipped": str(found.count(Verdict.BLOCKED)),
    }
