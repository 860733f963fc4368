"""labkit beside the engine: a container in the engine's own network, in which a command works.

It lives as long as its command. What a lab keeps between two commands (keys, reports, the lock) is
in a volume; the learner's files are copied in, and what the command writes is copied out.
"""
