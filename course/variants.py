"""In what the variants of students differ: two ports, two names, a word of the page.

Nothing that another step rests on: the reference can still be put in the place of any step. The
checks find ports and ask for names, so that a variant is graded like any other answer.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path

from labkit.course import Trait
from steps.project import GIVEN, HAPROXY_STATS, INDEX, REGISTRY_COMPOSE

LIST = GIVEN[2]
WORDS = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))

TRAITS = (
    Trait(
        "registry page",
        REGISTRY_COMPOSE.path,
        [str(port) for port in range(8101, 8301)],
        {"en": "page of the registry", "fr": "page du registre"},
        {
            "en": "The page of the registry (step 9) is published on port {value} of lb.",
            "fr": "La page du registre (étape 9) est publiée sur le port {value} de lb.",
        },
    ),
    Trait(
        "statistics page",
        HAPROXY_STATS.path,
        [str(port) for port in range(8501, 8701)],
        {"en": "statistics page", "fr": "page de statistiques"},
        {
            "en": "The statistics page of HAProxy (step 12) listens on port {value}.",
            "fr": "La page de statistiques de HAProxy (étape 12) écoute sur le port {value}.",
        },
    ),
    Trait(
        "first name",
        LIST,
        WORDS["first"],
        {"en": "first student", "fr": "premier étudiant"},
        {
            "en": f"The first student of {LIST} is {{value}}: the file is given to you so.",
            "fr": f"Le premier étudiant de {LIST} est {{value}} : le fichier vous est ainsi donné.",
        },
    ),
    Trait(
        "second name",
        LIST,
        WORDS["second"],
        {"en": "second student", "fr": "deuxième étudiant"},
        {
            "en": f"The second student of {LIST} is {{value}}.",
            "fr": f"Le deuxième étudiant de {LIST} est {{value}}.",
        },
    ),
    Trait(
        "town",
        INDEX.path,
        WORDS["towns"],
        {"en": "heading of the page", "fr": "titre de la page"},
        {
            "en": "The heading of the page (step 6) is: Student list of {value}",
            "fr": "Le titre de la page (étape 6) est : Student list of {value}",
        },
    ),
)


def personal(values: Mapping[str, str]) -> Mapping[str, bytes]:
    """The list of the students, which is the one given file that differs."""
    ages = {values["first name"]: "12", values["second name"]: "13"}
    return {LIST: (json.dumps(ages, indent=2) + "\n").encode()}
