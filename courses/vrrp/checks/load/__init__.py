"""Locust scenarios: what visitors do."""
