"""Small faults that a program plants into right answers, each with the check that must catch it."""

from __future__ import annotations

from labkit.course import Mutation

MUTATIONS: tuple[Mutation, ...] = ()
