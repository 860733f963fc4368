"""The drills of the practical: `failover` for step 13, `stages` for the steps before it."""

from dataclasses import replace

from checks.drills.aims import watching
from checks.drills.failover import FAILOVER
from checks.drills.stages import STAGES

DRILLS = tuple(replace(drill, watching=watching) for drill in (*STAGES, *FAILOVER))
