"""A load test as somebody writes it who has just read Locust's quick start.

Not a scenario of the course: it shows what such a test reports of a service that loses requests.
"""

from locust import HttpUser, constant_throughput, task


class Visitor(HttpUser):
    """Opens the page once a second."""

    wait_time = constant_throughput(1)

    @task
    def page(self) -> None:
        self.client.get("/")


class HurriedVisitor(HttpUser):
    """The same, but does not wait longer than 5 s. Not a subclass: it would inherit the task."""

    wait_time = constant_throughput(1)

    @task
    def page(self) -> None:
        self.client.get("/", timeout=5)
