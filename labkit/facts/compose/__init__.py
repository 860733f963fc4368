"""Docker Compose: projects as it reads them, and what they ask a machine for."""
