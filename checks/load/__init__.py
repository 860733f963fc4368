"""The course's load: Locust scenarios, and the watcher of the entry machine."""
