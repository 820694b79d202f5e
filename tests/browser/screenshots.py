"""Takes a picture of every page: ``make screenshots``. The documentation has some of them, small, as WebP."""

import base64
import sys
import tempfile
from pathlib import Path
from typing import Literal

from playwright.sync_api import sync_playwright

from tests.browser.conftest import PATIENCE, Client, launch_options
from tests.browser.pages import PAGES
from tests.browser.site import Site
from tests.support.emulator import LiveServer
from tests.support.relying_party import SCOPES, RelyingParty

#: Name of the picture to the page, the language and the height that is shown.
SHOWN = {
    "home": ("home", "en-us", 900),
    "journal-entry": ("journal-entry", "en-us", 900),
    "log-in-providers": ("providers", "en-us", 720),
    "log-in-testidp": ("testidp", "en-us", 1000),
    "log-in-id-porten": ("id-porten", "en-us", 760),
    "log-in-error": ("error-with-rule", "en-us", 760),
    "demo": ("demo-called", "en-us", 760),
    "demo-steps": ("demo-steps", "en-us", 820),
}
WIDTH = 720

#: How each page is looked at: name, width, colours, language.
LOOKS: tuple[tuple[str, int, Literal["light", "dark"], str], ...] = (
    ("desk-light-nb", 1200, "light", "nb-NO"),
    ("desk-dark-en", 1200, "dark", "en-US"),
    ("phone-light-en", 360, "light", "en-US"),
    ("phone-dark-nb", 360, "dark", "nb-NO"),
)

#: Makes a WebP of a PNG; the browser can, and nothing else is needed for it.
_SHRINK = """async png => {
    const image = await createImageBitmap(await (await fetch("data:image/png;base64," + png)).blob());
    const canvas = new OffscreenCanvas(image.width, image.height);
    canvas.getContext("2d").drawImage(image, 0, 0);
    const blob = await canvas.convertToBlob({type: "image/webp", quality: 0.8});
    return Array.from(new Uint8Array(await blob.arrayBuffer()));
}"""


def main(folder: Path, everything: bool) -> None:
    """Write the pictures of the documentation into ``folder``, or one of each page and look."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as data, sync_playwright() as playwright:
        server, site = LiveServer(Path(data)), Site()
        browser = playwright.chromium.launch(**launch_options())
        try:
            machine = server.client(
                "journal",
                client_name="Journal",
                grant_types=["authorization_code", "refresh_token"],
                scope=SCOPES,
                redirect_uris=[site.url + "/callback"],
                post_logout_redirect_uris=[site.url + "/out"],
                frontchannel_logout_uri=site.url + "/bye",
            )
            client = Client(RelyingParty(machine, redirect_uri=site.url + "/callback"), site, "/callback")
            for name, (shown, language, height) in SHOWN.items() if not everything else ():
                context = browser.new_context(
                    viewport={"width": WIDTH, "height": height}, color_scheme="light", locale="en-US"
                )
                context.set_default_timeout(PATIENCE)
                page = context.new_page()
                PAGES[shown](page, client, language)
                picture = base64.b64encode(page.screenshot()).decode()
                page.goto("about:blank")
                (folder / f"{name}.webp").write_bytes(bytes(page.evaluate(_SHRINK, picture)))
                context.close()
            for name, visit in PAGES.items() if everything else ():
                for look, width, colours, language in LOOKS:
                    context = browser.new_context(
                        viewport={"width": width, "height": 700}, color_scheme=colours, locale=language
                    )
                    context.set_default_timeout(PATIENCE)
                    page = context.new_page()
                    visit(page, client, language)
                    page.screenshot(path=folder / f"{name}-{look}.png", full_page=True)
                    context.close()
        finally:
            browser.close()
            site.close()
            server.stop()


if __name__ == "__main__":
    main(Path(sys.argv[1]), everything="--all" in sys.argv)
