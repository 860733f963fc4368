"""What well-known software says of itself on a machine, and what its files say, as records.

A reader asks and judges nothing: what must hold is for checks, what is to be done for steps. It
knows the software and no practical. What cannot be asked is a `CannotTellError`; what stands in
others' texts gives a value or none. Each room is imported by its name: a command that needs no page
should not wait for a reader of pages.
"""
