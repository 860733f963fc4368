"""For all tests: messages in English, whatever the language of whoever runs them."""

import os

os.environ["LABKIT_LANG"] = "en"
