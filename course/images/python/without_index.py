def _without_index() -> None:
    """Where no index can be reached, pip does without at once, and does not ask each name in vain.

    Appended to pip's own first module: `pip`, `pip3` and `python -m pip` all pass here. The
    proxy of the computer that made this image is used as long as it answers.
    """
    import configparser
    import os
    import socket
    import threading
    import urllib.parse

    if "PIP_NO_INDEX" in os.environ:
        return

    def answers(url: str) -> bool:
        asked = urllib.parse.urlsplit(url)
        answered = threading.Event()

        def ask() -> None:
            try:
                socket.create_connection((asked.hostname, asked.port or 443), 2).close()
            except (OSError, ValueError):
                return
            answered.set()

        asking = threading.Thread(target=ask, daemon=True)
        asking.start()
        asking.join(3)
        return answered.is_set()

    settings = configparser.ConfigParser(interpolation=None)
    settings.read("/etc/pip.conf")
    known = settings.get("global", "index-url", fallback="https://pypi.org/simple")
    through = settings.get("global", "proxy", fallback="")
    ours = settings.get("labkit", "proxy", fallback="")
    if ours and not through and answers(ours):
        os.environ.setdefault("PIP_PROXY", ours)
    elif not answers(through or os.environ.get("PIP_INDEX_URL") or known):
        os.environ["PIP_NO_INDEX"] = "1"


_without_index()
