"""Small faults that a program plants into right answers, each with the check that must catch it."""

from __future__ import annotations

from checks.mutations import api, compose, dockerfile, haproxy, page, registry
from labkit.course import Mutation

MUTATIONS: tuple[Mutation, ...] = (
    *dockerfile.MUTATIONS,
    *api.MUTATIONS,
    *compose.MUTATIONS,
    *page.MUTATIONS,
    *registry.MUTATIONS,
    *haproxy.MUTATIONS,
)
