"""A result, written for people and for other programs. Each writer reads the records alone."""

from typing import TYPE_CHECKING

from labkit.lazy import on_first_use

if TYPE_CHECKING:
    from labkit.grading.writers.every import WRITERS
    from labkit.grading.writers.html import as_html, write_html
    from labkit.grading.writers.json_file import as_json, write_json
    from labkit.grading.writers.moodle import as_moodle_table
else:
    __getattr__ = on_first_use(
        __name__,
        {
            "WRITERS": "every",
            "as_html": "html",
            "as_json": "json_file",
            "as_moodle_table": "moodle",
            "write_html": "html",
            "write_json": "json_file",
        },
    )

__all__ = ["WRITERS", "as_html", "as_json", "as_moodle_table", "write_html", "write_json"]
