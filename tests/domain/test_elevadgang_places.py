"""From where a pupil claims, and when somebody must compare a picture first (S-43, S-44)."""

from __future__ import annotations

import ipaddress

import pytest
from sqlalchemy import insert, select, update

from app.domain import devices, networks, throttling
from app.domain.login import Outcome
from app.domain.new_password import Practised
from app.domain.throttling import Place
from app.models.credentials import KnownDevice, Throttle
from app.models.elevadgang import Doubt
from app.models.people import Institution, Locality, Network
from tests.cast import ALBA, ANNA, BO, CARLA, DAN, EVA, IDA
from tests.domain.acts import STRANGER
from tests.domain.helping import GROWN_UP, HOME, Helping, PupilBrowser, at, elsewhere
from tests.domain.test_elevadgang import NAME, opened


def registered(helping: Helping) -> str:
    """Register a network for Egeskolen; returns its number as text."""
    values = {"institution_id": helping.school_id(), "cidr": "198.51.100.0/24", "label": "Hal"}
    helping.change(lambda db: db.execute(insert(Network).values(**values)))
    return str(helping.acts.one(select(Network.id).where(Network.cidr == values["cidr"])))


def make_known(helping: Helping, browser: PupilBrowser) -> None:
    """Let a browser be a device that Anna uses."""
    mark = helping.acts.keys.token_mark(devices.KIND, browser.browser.device_token or "")
    at_once = helping.acts.now().at
    values = {"user_id": helping.id_of(ANNA), "device_mark": mark, "first_at": at_once, "last_at": at_once}
    helping.change(lambda db: db.execute(insert(KnownDevice).values(**values)))


def set_locality(helping: Helping, locality: Locality) -> None:
    number = helping.school_id()
    helping.change(
        lambda db: db.execute(update(Institution).where(Institution.id == number).values(locality=locality))
    )


@pytest.mark.parametrize(
    ("locality", "doubt"),
    [(Locality.CONFIRM, Doubt.ELSEWHERE), (Locality.WARN, None), (Locality.OFF, None)],
)
def test_s_43_a_claim_from_elsewhere_is_doubted_as_the_institution_has_it(
    helping: Helping, locality: Locality, doubt: Doubt | None
) -> None:
    set_locality(helping, locality)
    opened(helping, ANNA)
    anna = elsewhere("anna")
    helping.ask(anna, NAME)
    window = helping.window(ANNA)
    assert (window.doubt, window.is_near) == (doubt, False)
    flow = helping.flow(anna)
    assert flow is not None
    assert flow.is_proved is (doubt is None)


def test_s_43_no_doubt_in_the_teachers_network_the_schools_or_at_a_known_device(helping: Helping) -> None:
    number = registered(helping)
    known = elsewhere("known")
    make_known(helping, known)
    in_hall = PupilBrowser("hall", address=HOME, institution_network=number)
    for browser in (PupilBrowser("near"), in_hall, known):
        assert helping.press(helping.area(EVA, None), ANNA).opened
        assert helping.ask(browser, NAME)
        window = helping.window(ANNA)
        assert (window.doubt, window.is_near, window.picture) == (None, True, None)


def test_s_43_the_network_of_another_institution_is_elsewhere(helping: Helping) -> None:
    number = registered(helping)
    other = helping.acts.one(select(Institution.id).where(Institution.number == "999002"))
    helping.change(
        lambda db: db.execute(
            update(Network).where(Network.id == int(number)).values(institution_id=other, cidr="10.9.0.0/16")
        )
    )
    opened(helping, ANNA)
    helping.ask(PupilBrowser("anna", address=HOME, institution_network=number), NAME)
    assert helping.window(ANNA).doubt is Doubt.ELSEWHERE


@pytest.mark.parametrize(
    ("own", "doubt"),
    [("203.0.113.0/24", None), ("203.0.0.0/16", None), ("203.0.113.128/25", Doubt.ELSEWHERE)],
)
def test_s_43_the_way_out_of_several_schools_is_each_ones_own(
    helping: Helping, own: str, doubt: Doubt | None
) -> None:
    """«S-43» Whoever registered it first; a part of another's is not the whole."""
    with helping.acts.writing() as (db, now):
        for number, cidr in (("999002", "203.0.113.0/24"), ("999001", own)):
            assert networks.add(db, number, cidr, "", now, operator="drift") is networks.Outcome.DONE
    with helping.reading() as db:
        home = ipaddress.ip_address(HOME)
        found = next(number for cidr, number in networks.list_ranges(db) if home in cidr)
    opened(helping, ANNA)
    helping.ask(PupilBrowser("anna", address=HOME, institution_network=found), NAME)
    assert (helping.window(ANNA).doubt, helping.window(ANNA).is_near) == (doubt, doubt is None)


@pytest.mark.parametrize("others", ["203.0.113.0/24", "203.0.113.0/25"])
def test_s_13_a_press_forgets_the_tries_made_where_another_school_goes_out_too(
    helping: Helping, others: str
) -> None:
    """«S-13» Also where that is a part of one's own network that the other school has for itself."""
    keys = helping.acts.keys
    with helping.acts.writing() as (db, now):
        for number, cidr in (("999002", others), ("999001", "203.0.113.0/24")):
            networks.add(db, number, cidr, "", now, operator="drift")
        (_, found), *_ = networks.list_ranges(db)
        bucket = throttling.bucket_name(keys, Place.NETWORK, NAME, found)
        throttling.reserve(db, bucket, Place.NETWORK, now)
    is_kept = select(Throttle.tries).where(Throttle.bucket == bucket)
    assert helping.acts.all(is_kept) == [1]
    opened(helping, ANNA)
    assert helping.acts.all(is_kept) == []


def test_s_43_only_the_picture_of_the_claim_that_is_there_lets_it_go_on(helping: Helping) -> None:
    carla = helping.area(CARLA, "2.B")
    window = opened(helping, ANNA)
    assert not helping.approve(carla, window.id, "ugle"), "nobody has claimed yet"
    anna = elsewhere("anna")
    helping.ask(anna, NAME)
    picture = helping.window(ANNA).picture or ""
    wrong = "ugle" if picture != "ugle" else "kage"
    flow = helping.flow(anna)
    assert flow is not None
    with pytest.raises(PermissionError):
        helping.dealt(anna)
    assert not helping.approve(carla, window.id, wrong)
    assert not helping.approve(carla, window.id, "")
    assert helping.approve(carla, window.id, picture)
    assert not helping.approve(carla, window.id, picture), "once is enough"
    assert len(helping.events("WINDOW_APPROVED")) == 1
    assert helping.confirm(anna, helping.dealt(anna))[0] is Practised.CONFIRMED


@pytest.mark.parametrize(("times", "doubt"), [(2, None), (3, Doubt.ASKED_BEFORE)])
def test_s_44_who_sent_the_name_three_times_before_the_press_waits_for_a_grown_up(
    helping: Helping, times: int, doubt: Doubt | None
) -> None:
    anna = PupilBrowser("anna")
    for _ in range(times):
        assert not helping.ask(anna, NAME)
    opened(helping, ANNA)
    assert helping.ask(anna, NAME)
    assert helping.window(ANNA).doubt is doubt


def test_s_44_a_network_counts_whose_browsers_keep_no_cookies(helping: Helping) -> None:
    for number in range(3):
        helping.ask(PupilBrowser(f"forgetful {number}"), NAME)
    opened(helping, ANNA)
    helping.ask(PupilBrowser("forgetful 4"), NAME)
    assert helping.window(ANNA).doubt is Doubt.ASKED_BEFORE


def test_s_44_a_phone_that_has_gone_from_mobile_to_wifi_since_is_the_same_source(helping: Helping) -> None:
    phone = PupilBrowser("phone", address=HOME)
    for _ in range(3):
        helping.ask(phone, NAME)
    phone.address = GROWN_UP.public_network
    opened(helping, ANNA)
    assert helping.ask(phone, NAME)
    assert (helping.window(ANNA).is_near, helping.window(ANNA).doubt) == (True, Doubt.ASKED_BEFORE)


def test_s_44_another_phone_that_comes_to_the_same_wifi_is_another_source(helping: Helping) -> None:
    for _ in range(3):
        helping.ask(elsewhere("phone"), NAME)
    opened(helping, ANNA)
    assert helping.ask(PupilBrowser("anna"), NAME)
    assert helping.window(ANNA).doubt is None


def test_s_44_sending_other_names_in_between_hides_nothing(helping: Helping) -> None:
    waiting = PupilBrowser("waiting")
    for _ in range(3):
        helping.ask(waiting, NAME)
        helping.ask(waiting, "zzzz9999")
    opened(helping, ANNA)
    assert helping.ask(waiting, NAME)
    assert helping.window(ANNA).doubt is Doubt.ASKED_BEFORE


def test_s_44_a_try_at_a_secret_or_a_quarter_of_an_hour_ends_the_suspicion(helping: Helping) -> None:
    trying = PupilBrowser("trying")
    for _ in range(3):
        helping.ask(trying, NAME)
    assert helping.acts.check(trying.token or "", "forkert", STRANGER).outcome is Outcome.WRONG
    other = PupilBrowser("long ago")
    for _ in range(3):
        helping.ask(other, IDA.username or "")
    helping.acts.clock.forward(seconds=901)
    helping.press(helping.area(CARLA, "5.A"), IDA)
    opened(helping, ANNA)
    helping.ask(PupilBrowser("ida"), IDA.username or "")
    helping.ask(trying, NAME)
    assert helping.window(IDA).doubt is None
    assert helping.window(ANNA).doubt is None


@pytest.mark.parametrize(("minutes", "doubt"), [(0, Doubt.MANY_PUPILS), (11, None)])
def test_s_44_a_browser_that_claims_for_a_fourth_pupil_in_ten_minutes_is_doubted(
    helping: Helping, minutes: int, doubt: Doubt | None
) -> None:
    eva, shared = helping.area(EVA, None), PupilBrowser("shared")
    pupils = (IDA, BO, ALBA)
    helping.press(eva, *pupils)
    for number, pupil in enumerate(pupils):
        shared.name, shared.token = "shared", None
        assert helping.ask(shared, pupil.username or "")
        assert helping.window(pupil).doubt is None, f"number {number + 1}"
    helping.acts.clock.forward(minutes=minutes)
    helping.press(eva, ANNA)
    shared.token = None
    helping.ask(shared, NAME)
    assert helping.window(ANNA).doubt is doubt


@pytest.mark.parametrize(("minutes", "doubt"), [(0, Doubt.MANY_PUPILS), (11, None)])
def test_s_44_who_throws_the_cookie_away_between_claims_is_known_by_the_place(
    helping: Helping, minutes: int, doubt: Doubt | None
) -> None:
    """At a school that only warns of claims from elsewhere, nothing else would stop it."""
    set_locality(helping, Locality.WARN)
    eva, pupils = helping.area(EVA, None), (IDA, BO, ALBA)
    helping.press(eva, *pupils)
    for pupil in pupils:
        assert helping.ask(elsewhere(f"as {pupil.word}"), pupil.username or "")
        assert helping.window(pupil).doubt is None
    helping.acts.clock.forward(minutes=minutes)
    helping.press(eva, ANNA)
    helping.ask(elsewhere("as anna"), NAME)
    assert helping.window(ANNA).doubt is doubt


@pytest.mark.parametrize("place", ["the helper's", "the school's"])
def test_s_44_a_class_that_comes_from_one_address_is_no_crowd(helping: Helping, place: str) -> None:
    number = registered(helping)
    set_locality(helping, Locality.WARN)
    eva, pupils = helping.area(EVA, None), (IDA, BO, ALBA, ANNA)
    helping.press(eva, *pupils)
    for pupil in pupils:
        name = f"as {pupil.word}"
        in_hall = PupilBrowser(name, address=HOME, institution_network=number)
        assert helping.ask(PupilBrowser(name) if place == "the helper's" else in_hall, pupil.username or "")
        assert helping.window(pupil).doubt is None, pupil.word


@pytest.mark.parametrize("device", ["its own", "any"])
def test_s_44_a_parents_child_among_the_class_at_school_is_no_crowd(helping: Helping, device: str) -> None:
    """A parent opens it for no institution, yet the school's network is the child's."""
    number = registered(helping)
    pupils = (IDA, BO, ALBA)
    helping.press(helping.area(EVA, None), *pupils)
    for pupil in pupils:
        in_hall = PupilBrowser(f"as {pupil.word}", address=HOME, institution_network=number)
        assert helping.ask(in_hall, pupil.username or "")
    helping.press_for_child(DAN, ANNA)
    anna = PupilBrowser("anna", address=HOME, institution_network=number if device == "any" else None)
    if device == "its own":
        make_known(helping, anna)
    assert helping.ask(anna, NAME)
    assert (helping.window(ANNA).is_near, helping.window(ANNA).doubt) == (True, None)


def test_s_44_the_teachers_own_browser_is_doubted(helping: Helping) -> None:
    own = PupilBrowser("own")
    helping.press(helping.area(CARLA, "2.B"), ANNA, browser=at(GROWN_UP.public_network, "device of own"))
    helping.ask(own, NAME)
    assert helping.window(ANNA).doubt is Doubt.OWN_BROWSER
