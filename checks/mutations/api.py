"""Faults in the API itself, which is given: what happens when somebody edits it."""

from __future__ import annotations

from checks.mutations.planting import Artefact, ended, sub

planted = Artefact("api", "simple_api/student_age.py")

MUTATIONS = (
    planted("bound-to-itself", "build.runs", sub(r"0\.0\.0\.0", "127.0.0.1"),
            "The API listens inside its container alone."),
    planted("other-port", "build.runs", sub(r"\bport\s*=\s*5000", "port=8000"),
            "The API listens on another port."),
    planted("other-password", "build.runs", sub(r"([\"']toto[\"']\s*:\s*)[\"']\w+[\"']",
                                                r'\1"ruby"'),
            "Another password than the practical's."),
    planted("without-auth", "build.auth", sub(r"^[ \t]*@auth\.login_required.*\n", ""),
            "Everybody is given the list."),
    planted("hard-coded", "build.runs",
            sub(r"student_ages\s*=\s*read_ages\(\)", 'student_ages={"alice": "12", "bob": "13"}'),
            "The list stands in the script; the data is not read."),
    planted("other-data", "build.runs", sub(r"/data/student_age\.json", "/data/students.json"),
            "The data is looked for in another file."),
    planted("other-path", "build.runs", sub(r"get_student_ages(?=[\"'])", "students"),
            "The list is given at another path."),
    planted("syntax", "build.runs", sub(r"^(def \w+\(.*\)):[ \t]*$", r"\1", count=1),
            "A colon is forgotten."),
    planted.same("comment", ended("# The end."), "A comment at the end.",
                 "Python does not read comments."),
)  # fmt: skip
