"""A trip to MitID that leads nowhere: what is said, that nothing was changed, and the way on."""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import urlencode

import pytest
from flask import Flask

from app.config import Config
from app.db import Database, instant
from app.demo.mitid_simulator import drawn
from app.demo.mitid_simulator.pages import make_app
from app.demo.mitid_simulator.wrong import Wrong
from app.protocols.mitid import Client, for_settings
from app.world import World
from tests import store
from tests.cast import ANNA, BO, CARLA, DAN
from tests.conftest import SetClock
from tests.demo.relying import uuid_of
from tests.pages import Browser, Page
from tests.web.test_new_password import practise
from tests.web.trips import AGAIN, USE, Wire, client_of, decide, forget, go, visit

# What each writes is tested on both kinds of database in tests/domain.
pytestmark = [pytest.mark.usefixtures("wire"), pytest.mark.sqlite_only]

UNCHANGED = "Der er ikke ændret noget."
TEN = ["loa", "auth_time", "nonce", "iss", "aud", "idp", "cpr", "alg", "state", "exp"]
# What a trip may leave behind when it fails: nothing but that it was made.
KEPT = (
    "audit_event",
    "credential",
    "known_device",
    "pending_password",
    "sso_session",
    "user",
    "recovery_flow",
)


def kept(database: Database) -> dict[str, Any]:
    """Return what a refusal must leave alone."""
    return store.content(database, *KEPT)


def has_way_on(app: Flask, browser: Browser, wire: Wire) -> bool:
    """Whether the page has a button to try again with, and that works."""
    page = visit(browser, wire, BO, AGAIN)
    return practise(browser, page.secret).path == "/mit"


@pytest.mark.parametrize("wrong", [wrong for wrong in TEN if wrong != "state"])
def test_s_30_each_wrong_answer_is_refused_without_effect(
    app: Flask, browser: Browser, wire: Wire, database: Database, wrong: str
) -> None:
    """«S-30»."""
    forget(browser, BO)
    before = kept(database)
    page = visit(browser, wire, BO, wrong=wrong)
    assert (page.status, page.path) == (422, "/mitid/retur")
    assert page.heading == "Svaret fra MitID kan ikke bruges"
    assert UNCHANGED in page.text
    assert "boli1003" in page.text
    assert kept(database) == before
    assert "Har du ikke MitID?" in page.text
    assert has_way_on(app, browser, wire)


def test_s_30_an_answer_with_another_state_is_nobodys(
    app: Flask, browser: Browser, wire: Wire, database: Database
) -> None:
    """«S-30» And the trip that this browser is on can still come back."""
    forget(browser, BO)
    before = kept(database)
    address = go(browser)
    page = browser.open(decide(wire, address, identity=uuid_of(BO), wrong="state"))
    assert page.status == 410
    assert UNCHANGED in page.text
    assert kept(database) == before
    assert browser.open(decide(wire, address, identity=uuid_of(BO))).path == "/login/ny-kode"


def test_the_ten_and_the_rest_are_all_tried() -> None:
    rest = {"cpr_other", "identity_type", "alg_hs256", "key", "iss_response", "slow", "down"}
    assert {*TEN} | rest == set(Wrong)


@pytest.mark.parametrize("wrong", ["identity_type", "alg_hs256", "key", "iss_response"])
def test_s_30_so_are_the_others(
    app: Flask, browser: Browser, wire: Wire, database: Database, wrong: str
) -> None:
    """«S-30», S-34: an unknown key among them."""
    forget(browser, BO)
    before = kept(database)
    page = visit(browser, wire, BO, wrong=wrong)
    assert page.status in (422, 503)
    assert UNCHANGED in page.text
    assert kept(database) == before
    assert has_way_on(app, browser, wire)


@pytest.mark.parametrize(
    ("stop", "said"),
    [
        ("access_denied", "Du afbrød MitID"),
        ("login_required", "Tiden hos MitID er gået"),
    ],
)
def test_who_stops_or_is_too_slow_can_try_again(
    app: Flask, browser: Browser, wire: Wire, database: Database, stop: str, said: str
) -> None:
    """S-30."""
    forget(browser, BO)
    before = kept(database)
    page = browser.open(decide(wire, go(browser), stop=stop))
    assert page.status == 422
    assert page.heading == said
    assert page.text.count(said) == 1
    assert UNCHANGED in page.text
    assert kept(database) == before
    assert has_way_on(app, browser, wire)


def test_s_34_a_broker_that_is_down_at_the_start_keeps_the_flow(
    app: Flask, browser: Browser, wire: Wire, database: Database
) -> None:
    """«S-34» With and without script."""
    wire.is_cut = True
    forget(browser, BO)
    before = kept(database)
    path, data = browser.form(USE)
    answer = browser.send(path, data, HX_Request="true")
    assert answer.status_code == 503
    assert answer.headers["HX-Push-Url"] == "false"
    page = browser.press(USE)
    assert (page.status, page.path) == (503, "/mitid/videre")
    assert "MitID er nede eller langsom. Der er ikke ændret noget." in page.text
    assert page.response.headers["Retry-After"]
    assert kept(database) == before
    wire.is_cut = False
    assert has_way_on(app, browser, wire)


def test_s_34_a_broker_that_is_down_at_the_end_too(
    app: Flask, browser: Browser, wire: Wire, database: Database
) -> None:
    """«S-34»."""
    forget(browser, BO)
    before = kept(database)
    page = visit(browser, wire, BO, wrong="down")
    assert (page.status, page.heading) == (503, "MitID svarer ikke lige nu")
    assert kept(database) == before
    assert has_way_on(app, browser, wire)


def test_s_34_a_slow_broker_is_given_up_while_others_are_served(
    app: Flask, world: World, config: Config, database: Database
) -> None:
    """«S-34» No transaction is open meanwhile: somebody else can log in."""
    served: list[int] = []

    def sleep(_seconds: float) -> None:
        served.append(Browser(app).log_in("carl2001", CARLA.password or "").status)
        time.sleep(3)

    identities = drawn.identities(instant(world.clock).today)
    simulator = make_app(config.mitid.issuer, config.mitid_return, identities, world.clock.now, sleep=sleep)
    slow = Wire(simulator)
    world.mitid = client_of(config, slow, seconds=2)
    browser = Browser(app)
    forget(browser, BO)
    begun = time.monotonic()
    page = visit(browser, slow, BO, wrong="slow")
    assert time.monotonic() - begun < 4
    assert page.status == 503
    assert served == [200]
    assert has_way_on(app, browser, slow)


def test_s_34_who_gets_no_turn_is_told_at_once_and_keeps_the_flow(
    app: Flask, world: World, config: Config, database: Database
) -> None:
    """«S-34» Like with a slow broker: a way back, and nothing changed."""
    told: list[Page] = []
    other = Browser(app)

    def sleep(_seconds: float) -> None:
        forget(other, ANNA)
        told.append(visit(other, slow, DAN))

    identities = drawn.identities(instant(world.clock).today)
    slow = Wire(make_app(config.mitid.issuer, config.mitid_return, identities, world.clock.now, sleep=sleep))
    broker = for_settings(config.mitid, is_demo=True)
    assert broker is not None
    world.mitid = Client(broker, config.mitid_return, slow, calls=1)
    browser = Browser(app)
    forget(browser, BO)
    assert visit(browser, slow, BO, wrong="slow").path == "/login/ny-kode"
    (page,) = told
    assert (page.status, page.heading) == (503, "MitID svarer ikke lige nu")
    assert UNCHANGED in page.text
    assert "anna1001" in page.text
    assert visit(other, slow, DAN, AGAIN).path == "/mitid/barn"


def test_s_30_an_answer_is_good_once(app: Flask, browser: Browser, wire: Wire, database: Database) -> None:
    """«S-30» Back, or the same address again, does nothing."""
    forget(browser, BO)
    back = decide(wire, go(browser), identity=uuid_of(BO))
    held = browser.cookie("trip") or ""
    assert browser.open(back).path == "/login/ny-kode"
    before = kept(database)
    page = browser.open(back)
    assert page.status == 410
    assert "Svaret fra MitID er brugt" in page.text
    assert UNCHANGED in page.text
    assert browser.follow("Gå videre").path == "/login/ny-kode"
    browser.plant("trip", held)
    asked = wire.asked
    assert browser.open(back).status == 410
    assert wire.asked == asked
    assert kept(database) == before
    assert browser.open("/login/ny-kode").path == "/login/ny-kode"


def test_s_30_nor_in_another_browser(app: Flask, browser: Browser, wire: Wire) -> None:
    """«S-30» A stolen answer, or one slipped to somebody."""
    forget(browser, BO)
    back = decide(wire, go(browser), identity=uuid_of(BO))
    other = Browser(app)
    page = other.open(back)
    assert page.status == 410
    assert "Gå videre" not in page.links()
    forget(other, ANNA)
    go(other)
    assert other.open(back).status == 410
    assert browser.open(back).path == "/login/ny-kode"


def test_in_another_tab_the_newer_trip_counts(browser: Browser, wire: Wire) -> None:
    """S-30."""
    forget(browser, BO)
    first = decide(wire, go(browser), identity=uuid_of(BO))
    forget(browser, BO)
    second = decide(wire, go(browser), identity=uuid_of(BO))
    page = browser.open(first)
    assert page.status == 410
    assert "Måske er du begyndt forfra i et andet vindue." in page.text
    assert browser.open(second).path == "/login/ny-kode"


def test_a_trip_for_one_username_gives_none_to_the_next(
    browser: Browser, wire: Wire, database: Database
) -> None:
    """S-01: another tab has begun with another name meanwhile."""
    forget(browser, ANNA)
    back = decide(wire, go(browser), identity=uuid_of(DAN))
    forget(browser, BO)
    before = kept(database)
    assert browser.open(back).status == 410
    assert kept(database) == before
    assert browser.open("/login/ny-kode").path == "/login/adgangskode"


def test_after_ten_minutes_it_is_over(browser: Browser, wire: Wire, clock: SetClock) -> None:
    """S-30."""
    forget(browser, BO)
    address = go(browser)
    clock.forward(minutes=10, seconds=1)
    page = browser.open(decide(wire, address, identity=uuid_of(BO)))
    assert page.status == 410
    assert "der gået for lang tid" in page.text


def test_repeated_parameters_are_refused(browser: Browser, wire: Wire) -> None:
    """S-11."""
    forget(browser, BO)
    back = decide(wire, go(browser), identity=uuid_of(BO))
    for more in ("code=x", "state=x", "x[]=1"):
        assert browser.get(f"{back}&{more}").status_code == 400
    assert browser.open(back).path == "/login/ny-kode"


def test_an_answer_without_a_code_or_of_nonsense_is_refused(browser: Browser, wire: Wire) -> None:
    forget(browser, BO)
    state = go(browser).partition("state=")[2].partition("&")[0]
    page = browser.open("/mitid/retur?" + urlencode({"state": state, "iss": "http://127.0.0.1:8001"}))
    assert page.status == 422
    for path in ("/mitid/retur", "/mitid/retur?state=", "/mitid/retur?state=%ff", "/mitid/retur?state=æ"):
        assert browser.open(path).status == 410


def test_a_button_pressed_after_the_flow_is_gone_says_so(
    browser: Browser, clock: SetClock, database: Database
) -> None:
    """S-64."""
    forget(browser, BO)
    clock.forward(minutes=31)
    page: Page = browser.press(USE)
    assert page.status == 410
    assert store.count(database, "mitid_trip") == 0


def test_without_a_broker_nothing_of_mitid_is_offered(
    app: Flask, world: World, browser: Browser, database: Database
) -> None:
    """S-05."""
    page = forget(browser, BO)
    path, data = browser.form(USE)
    world.mitid = None
    assert browser.send(path, data).headers["Location"] == "/login"
    for path in ("/mitid/videre", "/mitid/retur", "/mitid/retur?code=x&state=y"):
        assert browser.get(path).headers["Location"] == "/login"
    assert store.count(database, "mitid_trip") == 0
    page = forget(browser, BO)
    assert "MitID" not in page.text
    assert "Læreren trykker på en knap." in page.text
