"""Words of the scenarios that the drills look for in the rows: errors that are no mere loss.

A module of its own, for a scenario must not be imported outside a Locust process.
"""

LET_IN = "the list was given without the right password"
ANOTHER = "another content than was pushed"
UNTOLD = "neither a list nor an error"
