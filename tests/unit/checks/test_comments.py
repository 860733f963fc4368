"""Addresses in comments of a page are no addresses of it."""

from __future__ import annotations

import time

import pytest

from checks.test_06_index import without_comments

USED = '$url = "http://api:5000/pozos/x"; // as asked'


@pytest.mark.parametrize(
    "old",
    [
        '<?php\n// $url = "http://10.0.0.1:5000/pozos/x";\n',
        '<?php\n# $url = "http://10.0.0.1:5000/pozos/x";\n',
        '<?php\n/* $url = "http://10.0.0.1:5000/pozos/x";\n   l\'essai */\n',
        "<?php\n$a = 1; // http://10.0.0.1:5000/pozos/x\n",
        "<p>l'API</p><!-- http://10.0.0.1:5000/pozos/x -->\n<?php\n",
        "<?php $a = 'it\\'s'; /* http://10.0.0.1/pozos/x */\n",
        "<? $a = <<<HTML\n<p>l'API</p>\n  HTML;\n// http://10.0.0.1/pozos/x\n",
    ],
)
def test_an_old_try_in_a_comment_is_left_out(old: str) -> None:
    said = without_comments(f"{old}{USED}\n?>\n<p>http://lb/pozos/</p>")
    assert "10.0.0.1" not in said
    assert '"http://api:5000/pozos/x"' in said
    assert "as asked" not in said
    assert "http://lb/pozos/" in said


def test_what_is_a_string_or_an_attribute_is_no_comment() -> None:
    page = """<?php #[Pure]\n$a = 'http://a/#b'; $b = "/* no */"; // x ?><b>l'API // text</b>"""
    said = without_comments(page)
    assert without_comments("<?php echo '<!--'; $a = 1;") == "<?php echo '<!--'; $a = 1;"
    heredoc = "<?php $a = <<<'X'\n// l'API, http://a/pozos/\nX;"
    assert without_comments(heredoc) == heredoc
    for kept in ("#[Pure]", "'http://a/#b'", '"/* no */"', "?><b>l'API // text</b>"):
        assert kept in said
    assert "// x" not in said


@pytest.mark.parametrize(
    "part", ["/*", "<!--", "'", '"', "<?php ", "//", "'\\", "/*'", "<<<a\n", "<?php ?><!--"]
)
def test_hostile_pages_are_read_in_time(part: str) -> None:
    began = time.process_time()
    without_comments("<?php " + part * 200_000)
    assert time.process_time() - began < 5
