"""The drills of the practical: `failover` for step 13, `stages` for the steps before it."""

from checks.drills.failover import FAILOVER

DRILLS = (*FAILOVER,)
