"""Chromium and the local authority: refused until the database of the user's certificates holds it."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from playwright.sync_api import BrowserType, Error, Page

from tests.browser.conftest import PATIENCE, launch_options
from tests.support.tls import TlsServer

#: Where Chromium keeps certificates, by its user's home: the former wins if it exists, the latter it makes itself.
OLD, NEW = ".pki/nssdb", ".local/share/pki/nssdb"


def title(chromium: BrowserType, home: Path, url: str) -> str:
    """The title of a page in a browser of the user who lives in ``home``. Raises Error when it does not open."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("XDG_")}
    browser = chromium.launch(**launch_options(), env={**inherited, "HOME": str(home)})
    try:
        page: Page = browser.new_page()
        page.set_default_timeout(PATIENCE)
        page.goto(url)
        return page.title()
    finally:
        browser.close()


@pytest.mark.covers("tls.clients")
@pytest.mark.parametrize("folder", [OLD, NEW])
def test_chromium_trusts_it_from_the_users_database(browser_type: BrowserType, tmp_path: Path, folder: str) -> None:
    certutil = shutil.which("certutil")
    assert certutil is not None, "certutil is missing; make test-all says how"
    home = tmp_path / "home"
    database = home / folder
    home.mkdir()
    server = TlsServer(tmp_path)
    try:
        with pytest.raises(Error, match="ERR_CERT_AUTHORITY_INVALID"):
            title(browser_type, home, server.base)
        assert (home / NEW).is_dir()
        database.mkdir(parents=True, exist_ok=True)
        words = ["-A", "-t", "C,,", "-n", "mock-sts", "-i", str(server.files.ca)]
        subprocess.run([certutil, "-d", f"sql:{database}", *words], check=True, capture_output=True, timeout=60)
        assert title(browser_type, home, f"{server.base}/mock/doctor") == "Doctor"
    finally:
        server.stop()
