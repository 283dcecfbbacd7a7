"""The book in a real browser, from its files and without a network: `make book-test`.

It needs Chromium with its driver, and axe-core, which the Makefile fetches by npm. `make test` leaves this file alone.
"""

import json
import os
import shutil
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from scripts.book import BUILD
from scripts.project import ROOT, lessons

AXE = ROOT / "build" / "axe" / "node_modules" / "axe-core" / "axe.min.js"
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
PAGES = [path.relative_to(BUILD).as_posix() for path in sorted(BUILD.rglob("*.html"))]
SAMPLE = [
    page for page in PAGES if page.startswith(("docs/", "index", "search", "notebooks/14", "notebooks/exercises/14"))
]
OVERFLOW = "return document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture(scope="module")
def browser():
    """Chromium that finds no host."""
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for argument in ("--headless=new", "--no-sandbox", "--host-resolver-rules=MAP * ~NOTFOUND"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    driver = webdriver.Chrome(options, Service(shutil.which("chromedriver")))
    yield driver
    driver.quit()


def look(browser, page, *, width=1200, mode="light"):
    """Open a page of the book in a window of some width; return the addresses that it asked for, and its complaints."""
    features = [{"name": "prefers-color-scheme", "value": mode}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    shape = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", shape)
    for kind in ("performance", "browser"):
        browser.get_log(kind)
    path, _, query = page.partition("?")
    browser.get((BUILD / path).as_uri() + ("?" + query if query else ""))
    wait(
        browser, "return !window.MathJax?.startup?.promise || !document.querySelector('.math:not(:has(mjx-container))')"
    )
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    asked = [e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"]
    return asked, [entry["message"] for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]


def wait(browser, script, seconds=20):
    """Wait until a script returns something true; return that."""
    return WebDriverWait(browser, seconds).until(lambda _: browser.execute_script(script), f"in vain: {script}")


@pytest.mark.parametrize("page", PAGES)
def test_a_page_asks_nothing_of_the_network_and_fits_a_phone(browser, page):
    asked, complaints = look(browser, page, width=390)
    assert asked
    assert not [address for address in asked if not address.startswith(("file:", "data:", "blob:"))]
    assert not complaints
    assert browser.execute_script(OVERFLOW) <= 0
    if page in ("docs/notation.html", "notebooks/01_vanilla_vs_pca.html"):
        assert len(browser.find_elements(By.CSS_SELECTOR, "mjx-container svg")) > 20  # formulas are drawn


def test_search_finds_words_of_lessons_from_a_file(browser):
    look(browser, "search.html?q=reparameterisation")
    found = wait(browser, "return [...document.querySelectorAll('#search-results li a')].map((a) => a.href).join(' ')")
    assert "12_variational" in found


def test_next_leads_through_all_lessons_in_order(browser):
    look(browser, "index.html")
    seen = []
    while len(seen) < len(PAGES) and (steps := browser.find_elements(By.CSS_SELECTOR, "a.next-page")):
        address = steps[0].get_attribute("href")
        browser.get(address)
        seen.append(Path(address).stem)
    order = [stem for stem in seen if stem in {path.stem for path in lessons()}]
    assert order == [path.stem for path in lessons()]
    assert seen[:2] == [order[0], f"{order[0]}_solved"]
    assert browser.find_elements(By.CSS_SELECTOR, "a.prev-page")


def test_a_fold_opens(browser):
    look(browser, "notebooks/exercises/14_latent_space_maps_solved.html")
    fold = browser.find_element(By.CSS_SELECTOR, "details.hide:has(> summary)")
    code = fold.find_element(By.CSS_SELECTOR, "pre")
    assert not code.is_displayed()
    browser.execute_script("arguments[0].scrollIntoView({behavior: 'instant', block: 'center'})", fold)
    fold.find_element(By.CSS_SELECTOR, "summary").click()
    WebDriverWait(browser, 10).until(lambda _: code.is_displayed())


def test_the_explorer_answers_keys_mouse_and_fingers(browser):
    look(browser, "docs/explorer.html")
    drawn = "return [...document.querySelectorAll('canvas[role=img]')].map((c) => c.toDataURL())"
    said = "return [...document.querySelectorAll('[aria-live]')].map((p) => p.textContent)"
    maps = browser.find_elements(By.CSS_SELECTOR, "canvas[role=application]")
    assert len(maps) == 2
    first, words = browser.execute_script(drawn), browser.execute_script(said)
    maps[0].send_keys(*5 * [Keys.ARROW_DOWN])
    second = browser.execute_script(drawn)
    assert second[0] != first[0]
    assert second[1] == first[1]  # each network has its own point
    assert browser.execute_script(said)[0] != words[0]
    ActionChains(browser).move_to_element_with_offset(maps[1], 10, 20).perform()
    third = browser.execute_script(drawn)
    assert third[0] == second[0]
    assert third[1] != second[1]
    box = maps[0].rect
    browser.execute_script("arguments[0].scrollIntoView({behavior: 'instant'})", maps[0])
    top = browser.execute_script("return arguments[0].getBoundingClientRect().top", maps[0])
    touch = {
        "type": "touchStart",
        "touchPoints": [{"x": box["x"] + 0.9 * box["width"], "y": top + 0.1 * box["height"]}],
    }
    browser.execute_cdp_cmd("Input.dispatchTouchEvent", touch)
    browser.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    assert browser.execute_script(drawn)[0] != third[0]


@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize("page", PAGES)
def test_axe_finds_nothing_serious(browser, page, mode):
    if mode == "dark" and page not in SAMPLE:
        pytest.skip("the dark colours are the same on every page")
    look(browser, page, mode=mode)
    browser.execute_script(AXE.read_text(encoding="utf-8"))
    browser.set_script_timeout(120)
    run = "axe.run(document, {resultTypes: ['violations']}).then((r) => arguments[0](r.violations))"
    serious = [f for f in browser.execute_async_script(run) if f["impact"] in ("serious", "critical")]
    words = [(f["id"], len(f["nodes"]), [node["html"][:160] for node in f["nodes"][:3]]) for f in serious]
    assert not words
