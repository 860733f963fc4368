"""labkit: a practical on high availability, as a reproducible lab with a grade that is true."""

__version__ = "0.2.0"
