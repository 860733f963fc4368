"""How the benchmark tells testinfra where the machines are."""


def pytest_addoption(parser):
    parser.addoption("--inventory", required=True)
