"""What well-known software says of itself on a machine, and what its files say, as records.

A reader asks and does not judge: what must hold is for checks, what is to be done for steps. It
knows the software and no practical. What cannot be asked ends in `CannotTellError`, what somebody
has made unreadable in `NotMetError`, so that no caller takes either for an answer. Each room is
imported by its name: a command that needs no page should not wait for a reader of pages.
"""
