"""What a press answers the page at hand with, and what the page learns of the other classes meanwhile."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from tests.cast import ANNA, BO, CARLA, IDA, Member
from tests.pages import Browser, parse
from tests.web.test_elevadgang import claim, give, list_of, teacher, uni_id
from tests.web.test_elevadgang_parts import asked, boxes

pytestmark = pytest.mark.parametrize("template", ["sqlite"], indirect=True)


def cells(answer: str) -> list[str]:
    """Return the status cells that an answer to htmx brings."""
    return [e.get("id", "") for e in parse_part(answer).iter("span") if "status-" in (e.get("id") or "")]


def spoken(answer: str) -> str | None:
    """Return what the live region is to say: «» empties it, None leaves it."""
    live = [e for e in parse_part(answer).iter("div") if e.get("id") == "live"]
    return "".join(live[0].itertext()) if live else None


def parse_part(answer: str) -> object:
    return parse(
        f"<!doctype html><html><head></head><body><main>{answer.partition('</title>')[2]}</main></body>"
    )


def raise_hand(app: Flask, member: Member) -> None:
    pupil = Browser(app)
    pupil.open("/login/brugernavn")
    pupil.press("Næste", filled={"Brugernavn": member.username or ""})
    pupil.open("/ny-adgangskode/glemt")
    pupil.press("Ræk hånden op")


def test_a_press_swaps_one_cell_and_says_what_was_done(app: Flask, db: Session) -> None:
    carla = teacher(app)
    list_of(carla)
    give(carla, db, ANNA)
    answer = carla.send(*carla.form("Afbryd"), HX_Request="true")
    assert answer.status_code == 200
    assert (answer.headers["HX-Retarget"], answer.headers["HX-Push-Url"]) == ("#poll", "false")
    assert cells(answer.text) == [f"status-{uni_id(db, ANNA)}"]
    assert spoken(answer.text) == "Det er afbrudt. Den gamle adgangskode gælder stadig."
    assert 'id="screen"' not in answer.text
    # The next question knows of it: nothing is swapped, and nothing said twice.
    asks = answer.text.replace("&amp;", "&").split('hx-get="')[1].split('"')[0]
    assert cells(carla.get(asks, HX_Request="true").text) == []


def test_a_press_without_script_leads_back_to_the_row(app: Flask, db: Session) -> None:
    carla = teacher(app)
    address = list_of(carla)
    give(carla, db, ANNA)
    answer = carla.send(*carla.form("Giv fem minutter mere"))
    assert answer.status_code == 303
    assert answer.location == f"{address}#elev-{uni_id(db, ANNA)}"


def test_several_who_wait_are_named_beside_the_sentence_each_with_a_way_to_the_row(
    app: Flask, db: Session
) -> None:
    carla = teacher(app)
    list_of(carla)
    pupils = [box.get("value", "") for box in boxes(carla) if box.get("disabled") is None][:3]
    path, data = carla.form("Giv ny adgangskode")
    sent = {**data, "elev": pupils}
    ways = {f"#elev-{one}" for one in pupils}
    answer = carla.client.post(path, data=sent, base_url=carla.host, headers={"HX-Request": "true"})
    assert ways == {e.get("href") for e in parse_part(answer.text).iter("a") if "#elev" in e.get("href", "")}
    assert "Bed nu eleverne om at skrive deres brugernavn." in answer.text
    assert spoken(answer.text) == ""
    answer = carla.client.post(path, data=sent, base_url=carla.host, follow_redirects=True)
    assert ways <= {e.get("href") for e in parse(answer.text).iter("a")}


def test_a_press_empties_what_was_said_before(app: Flask, db: Session) -> None:
    carla = teacher(app)
    list_of(carla)
    give(carla, db, ANNA)
    claim(app, ANNA, address="203.0.113.7")
    carla.open(carla.current.path)
    said = spoken(carla.send(*carla.form("Godkend"), HX_Request="true").text)
    assert said == "Godkendt. Eleven kan nu se sin nye adgangskode."


def test_a_hand_in_another_class_shows_in_its_tab_and_is_told_by_the_poll(app: Flask) -> None:
    carla = teacher(app)
    address = list_of(carla, "2.B")
    asks = asked(carla)
    raise_hand(app, IDA)
    then = carla.get(asks, HX_Request="true").text
    assert "(1 beder om hjælp)" in then
    assert spoken(then) == "1 elev i 5.A beder om hjælp"
    again = then.replace("&amp;", "&").split('hx-get="')[1].split('"')[0]
    assert "beder om hjælp" not in carla.get(again, HX_Request="true").text
    assert "5.A (1 beder om hjælp)" in carla.open(address).links()
    assert "2.B" in carla.current.links()
    carla.client.environ_base["HTTP_ACCEPT_LANGUAGE"] = "en"
    carla.client.delete_cookie("language")
    assert "5.A (1 asks for help)" in carla.open(address).links()


def test_a_hand_that_was_answered_leaves_the_tab(app: Flask, db: Session) -> None:
    raise_hand(app, IDA)
    carla = teacher(app)
    carla.open("/elevadgang/klasser")
    carla.follow("5.A (1 beder om hjælp)")
    give(carla, db, IDA)
    assert "beder om hjælp" not in carla.current.text


def test_who_shares_a_given_name_is_told_of_by_the_whole_name(app: Flask) -> None:
    carla = teacher(app)
    list_of(carla)
    labels = [e for e in carla.current.root.iter("label") if e.get("class") == "pupil-label"]
    carolines = [e for e in labels if "Caroline " in "".join(e.itertext())]
    assert len(carolines) > 1
    (name,) = [e.text for e in carolines[0].iter("span") if e.get("class") == "pupil-name"]
    (box,) = carolines[0].iter("input")
    carla.press("Giv ny adgangskode", elev=box.get("value", ""))
    asks = asked(carla)
    carla.press("Afbryd")
    assert spoken(carla.get(asks, HX_Request="true").text) == f"{name} er afbrudt"


def test_a_poll_leaves_title_and_help_as_they_were(app: Flask) -> None:
    carla = teacher(app)
    list_of(carla)
    (help_href,) = [e.get("href", "") for e in carla.current.root.iter("a") if e.get("id") == "help-link"]
    answer = carla.get(asked(carla), HX_Request="true").text
    assert f"<title>{carla.current.title}</title>" in answer
    assert f'href="{help_href}"' in answer


def test_everybody_ticked_by_an_address_is_counted_on_the_button(app: Flask) -> None:
    carla = teacher(app)
    address = list_of(carla)
    carla.open(f"{address}?alle=1")
    count = sum(box.get("checked") is not None for box in boxes(carla))
    assert count > 1
    assert f"Giv ny adgangskode ({count} elever)" in carla.current.text


def test_a_press_for_who_is_no_longer_on_the_list_is_told_that_nothing_was_done(
    app: Flask, db: Session
) -> None:
    """S-40: the same words for who was never there, who changed class, and who is at another school."""
    carla = teacher(app)
    list_of(carla)
    path, data = carla.form("Giv ny adgangskode")
    texts = set()
    for foreign in (uni_id(db, BO), uni_id(db, CARLA), "0000000000"):
        answer = carla.client.post(path, data={**data, "elev": foreign}, base_url=carla.host)
        assert answer.status_code == 404
        page = carla._seen(answer)
        assert page.links()["Tilbage til dine klasser"] == "/elevadgang/klasser"
        texts.add(page.text.partition("Fejlnummer")[0])
    assert len(texts) == 1
    assert "Listen er ændret, siden du åbnede den, eller eleven er ikke din." in texts.pop()


def test_the_board_has_nobodys_name_and_a_way_back(app: Flask) -> None:
    carla = teacher(app)
    address = list_of(carla)
    page = carla.open(f"{address}/tavle")
    words = "".join(page.root.itertext())
    assert CARLA.shown_name not in words
    assert "Log ud" not in words
    assert page.links()["←2.B"] == address
