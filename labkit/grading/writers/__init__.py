"""A result, written for people and for other programs. Each writer reads the records alone."""
