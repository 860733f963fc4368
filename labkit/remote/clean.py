"""The cleaner of what machines say, also under the name of the package that hears them."""

from labkit.text import clean

__all__ = ["clean"]
