"""Words of the scenarios that the drills look for in the rows: what is more than right or lost.

A module of its own, for a scenario must not be imported outside a Locust process.
"""

LET_IN = "the list was given without the right password"
ANOTHER = "another content than was pushed"
CATALOGUE = "catalogue"  # in the place of a server: this answer is one
UNTOLD = "neither a list nor an error"
