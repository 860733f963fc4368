"""In what the variants of students differ: the number of the virtual router, a word of the pages.

Neither rests on anything of another machine's, so that the reference can still be put in the place
of any step; the checks ask for no value of either.
"""

from __future__ import annotations

from labkit.course import Trait
from steps.project import CALM, PAGES

# RFC 9568 has 1 to 255. What else has numbers in the file: priorities, which are round or one off,
# and addresses, of loopback and of private networks.
ROUTERS = [
    str(number)
    for number in range(100, 256)
    if number % 5 in (2, 3) and number not in (127, 168, 172, 192)
]
TOWNS = [
    "Aix", "Albi", "Amiens", "Angers", "Annecy", "Arles", "Arras", "Bayonne", "Beauvais",
    "Belfort", "Biarritz", "Blois", "Bourges", "Brest", "Caen", "Cahors", "Calais", "Cannes",
    "Chartres", "Cholet", "Colmar", "Dax", "Dieppe", "Dijon", "Dinan", "Douai", "Grasse", "Laval",
    "Lille", "Limoges", "Lorient", "Lyon", "Metz", "Nancy", "Nantes", "Nevers", "Niort", "Pau",
]  # fmt: skip

TRAITS = (
    Trait(
        "virtual router",
        CALM["lb1"].path,
        ROUTERS,
        {"en": "number of the virtual router", "fr": "numéro du routeur virtuel"},
        {
            "en": "The number of the virtual router (virtual_router_id, step 2) is {value}.",
            "fr": "Le numéro du routeur virtuel (virtual_router_id, étape 2) est {value}.",
        },
    ),
    Trait(
        "town",
        PAGES["web1"].path,
        TOWNS,
        {"en": "heading of the pages", "fr": "titre des pages"},
        {
            "en": "The heading of both pages (step 1) is: Shop of {value}",
            "fr": "Le titre des deux pages (étape 1) est : Shop of {value}",
        },
    ),
)
