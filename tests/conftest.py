"""For all tests: messages in English, whatever the language of whoever runs them."""

import os

os.environ["LABKIT_LANG"] = "en"

# pytest-xdist tells its workers the width of its own terminal; Rich keeps what it finds when it is
# imported. Tests that care set a width themselves.
os.environ.pop("COLUMNS", None)
