"""Open-loop load, faults watched while they act, and the arithmetic of availability.

`plan` says what will be sent and when (pure); `openloop` sends it, inside a Locust process of
its own; `run` starts and ends that process; `watch` follows the entry machine meanwhile;
`availability` turns what both saw into numbers and a verdict (pure); `drill` is the sequence;
`timeline` draws it. Nothing here knows which balancer or which site is under load.

`openloop` is the one module that imports Locust, and nothing else here imports `openloop`:
importing Locust into a process with an open SSH connection hangs (locust #2250, #2661).
"""
