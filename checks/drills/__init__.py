"""The drills of the practical: `failover` for step 13, `stages` for the steps before it."""

from checks.drills.failover import FAILOVER
from checks.drills.stages import STAGES

DRILLS = (*STAGES, *FAILOVER)
