"""report.html: what stands in the page, and that data stays data in it."""

import base64
import hashlib
import re

from tiny_page import a_page, a_suspect

from labelscan.reports.html_report import render_html, write_html

NASTY = '</script><script>alert(1)</script><img src=x onerror="alert(1)">'


def elements(text, name):
    return re.findall(rf"<{name}[^>]*>(.*?)</{name}>", text, flags=re.DOTALL)


def test_the_policy_lets_run_what_is_in_the_page_alone():
    text = render_html(a_page())
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)[1].replace("&#39;", "'")
    for content in (*elements(text, "style"), *(one for one in elements(text, "script") if not one.startswith("{"))):
        assert f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'" in policy


def test_a_label_that_is_html_stays_text():
    text = render_html(a_page(suspects=(a_suspect(given_label=NASTY, example_id=NASTY),)))
    assert "alert(1)</script>" not in text
    assert "<img src=x" not in text


def test_the_file_is_the_page(tmp_path):
    write_html(a_page(), tmp_path / "report.html")
    assert (tmp_path / "report.html").read_text(encoding="utf-8") == render_html(a_page())
