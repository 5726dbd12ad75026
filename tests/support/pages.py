"""What holds for every page that people see."""

import re

import httpx


def assert_nothing_inline(page: httpx.Response) -> None:
    """Find nothing inline, nothing from elsewhere, and a policy that would allow neither."""
    assert page.status_code == 200, page.url
    policy = page.headers["content-security-policy"]
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    assert page.headers["cache-control"] == "no-store"
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=", page.text)
    for address in re.findall(r'(?:src|href)="([^"#]+)"', page.text):
        assert address.startswith("/"), address
