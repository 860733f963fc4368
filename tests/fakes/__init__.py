"""Courses, machines, engines and results made for the tests; each is named as such."""
