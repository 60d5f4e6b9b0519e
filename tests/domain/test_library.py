"""Everything there is to read: what is wrong with a file is told with language, file and step."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from app.config import PROJECT
from app.domain import library, site
from app.domain.content import ContentError
from app.domain.library import Library

CONTENT = PROJECT / "app" / "content"
SITE = site.read(CONTENT / "site.toml")

GUIDE = """+++
title = "Log ind på {brand}"
lead = "Sådan gør du."
audiences = ["elev"]
topics = ["login"]
minutes = 2
needs = ["Dit brugernavn"]
owner = "Support"
reviewed_on = 2026-02-28
related = []
questions = ["hvem"]
+++
Først lidt om det.

## Skriv dit brugernavn
Tryk på **«Næste»**. Se [svaret](question:hvem).

```screen
login/username.html
point_at = "username"
```

## Log ind
Tryk **hårdt** på **«Log
ind»**.

## Hvis det ikke virker
Ring {phone}.
"""
ENGLISH = """+++
title = "Log in to {brand}"
lead = "How to."
needs = ["Your username"]
+++
First a little about it.

## Write your username
Press **«Next»**. See [the answer](question:hvem).

```screen
login/username.html
point_at = "username"
```

## Log in
Press **«Log in»**.

## If it does not work
Call {phone}.
"""
QUESTION = """+++
title = "Hvem?"
lead = "Dig."
audiences = ["elev"]
guides = ["log-ind"]
owner = "Support"
reviewed_on = 2027-02-01
+++
Fra den {manual_closure_date}.
"""
PAGE = '+++\ntitle = "Om"\nlead = "Om os."\n+++\nFør.\n\n{{help_box}}\n\nEfter.\n'
FILES = {
    "da/guides/log-ind.md": GUIDE,
    "en/guides/log-ind.md": ENGLISH,
    "da/questions/hvem.md": QUESTION,
    "da/news/nyt.md": '+++\ntitle = "Nyt"\nlead = "Nyt."\npublished_on = 2026-11-22\n+++\n',
    "da/news/nyere.md": '+++\ntitle = "Nyere"\nlead = "Nyt."\npublished_on = 2026-11-23\n+++\n',
    **{f"da/pages/{slug}.md": PAGE for slug in library.ARTICLES},
    "da/topics.toml": "".join(f'[{slug}]\ntitle = "{slug}"\nlead = "Om."\n' for slug in library.TOPICS),
    "short_links.toml": '"4711" = "log-ind"\n',
    "redirects.toml": '"log-paa" = "log-ind"\n',
}


@pytest.fixture
def content(tmp_path: Path) -> Path:
    """Return a small content that may be spoiled."""
    for name in ("da/audiences.toml", "en/audiences.toml"):
        write(tmp_path, name, (CONTENT / name).read_text("utf-8"))
    for name, text in FILES.items():
        write(tmp_path, name, text)
    return tmp_path


def write(content: Path, name: str, text: str) -> None:
    """Write a file."""
    (content / name).parent.mkdir(parents=True, exist_ok=True)
    (content / name).write_text(text, "utf-8")


def read(content: Path, *languages: str) -> dict[str, Library]:
    """Read the content as the site does."""
    return library.read(
        content,
        languages or ("da", "en"),
        SITE,
        is_screen=lambda name: name == "login.username",
        more=lambda code: {"manual_closure_date": "1. august" if code == "da" else "1 August"},
    )


def test_a_guide_is_its_steps_with_screens_and_words(content: Path) -> None:
    guide = read(content)["da"].guides["log-ind"]
    assert guide.title == "Log ind på Unilogin"
    assert guide.code == "4711"
    assert guide.introduction.html == "<p>Først lidt om det.</p>"
    assert [step.heading for step in guide.steps] == ["Skriv dit brugernavn", "Log ind"]
    assert [still.template for still in guide.steps[0].stills] == ["login/username.html"]
    assert guide.steps[0].stills[0].point_at == "username"
    assert "screen" not in guide.steps[0].prose.html
    assert [step.prose.words for step in guide.steps] == [("Næste",), ("Log ind",)]
    assert guide.troubles is not None
    assert "3587 8550" in guide.troubles.prose.html


def test_a_language_has_its_own_words_and_the_danish_facts(content: Path) -> None:
    danish, english = (read(content)[code].guides["log-ind"] for code in ("da", "en"))
    assert english.title == "Log in to Unilogin"
    assert english.needs == ("Your username",)
    assert (english.minutes, english.code, english.audiences) == (2, "4711", ("elev",))
    assert [step.stills for step in english.steps] == [step.stills for step in danish.steps]


def test_what_is_not_translated_is_there_in_danish_and_says_so(content: Path) -> None:
    libraries = read(content, "da", "en")
    question = libraries["en"].questions["hvem"]
    assert (question.language, question.title) == ("da", "Hvem?")
    assert "1. august" in question.prose.html
    assert libraries["en"].languages["questions", "hvem"] == ("da",)
    assert libraries["en"].languages["guides", "log-ind"] == ("da", "en")


def test_a_third_language_may_be_partly_filled(content: Path) -> None:
    write(content, "uk/audiences.toml", (content / "en/audiences.toml").read_text("utf-8"))
    write(content, "uk/news/nyt.md", '+++\ntitle = "Нове"\nlead = "Нове."\n+++\n')
    write(content, "uk/topics.toml", '[login]\ntitle = "Вхід"\nlead = "Вхід."\n')
    found = read(content, "da", "en", "uk")["uk"]
    assert found.news["nyt"].title == "Нове"
    assert found.languages["news", "nyt"] == ("da", "uk")
    assert (found.topics["login"].language, found.topics["elevadgang"].language) == ("uk", "da")
    assert [one.language for one in (found.guides["log-ind"], found.articles["om"])] == ["da", "da"]
    assert list(found.news) == ["nyere", "nyt"]


def test_the_operators_words_stand_in_every_text(content: Path) -> None:
    assert "{" not in repr(read(content)["da"].guides).replace("{'", "")


def test_a_page_is_divided_where_something_is_drawn(content: Path) -> None:
    pieces = read(content)["da"].articles["om"].pieces
    assert [piece if isinstance(piece, str) else piece.text for piece in pieces] == [
        "Før.",
        "help_box",
        "Efter.",
    ]


def test_news_come_newest_first(content: Path) -> None:
    assert list(read(content)["da"].news) == ["nyere", "nyt"]


def test_questions_come_in_the_order_of_the_readers_alphabet(content: Path) -> None:
    for slug, title in (("oe", "Øve?"), ("aa", "Aabne?"), ("ae", "Ændre?"), ("z", "Zoom?")):
        write(content, f"da/questions/{slug}.md", QUESTION.replace("Hvem?", title))
    found = read(content)
    assert [one.title for one in found["da"].questions.values()] == [
        "Hvem?",
        "Zoom?",
        "Ændre?",
        "Øve?",
        "Aabne?",
    ]
    assert [one.title for one in found["en"].questions.values()][:2] == ["Aabne?", "Ændre?"]


def test_what_was_not_reviewed_for_twelve_months_is_overdue(content: Path) -> None:
    found = read(content)["da"]
    assert [one.slug for one in found.overdue(date(2027, 2, 28))] == []
    assert [one.slug for one in found.overdue(date(2027, 3, 1))] == ["log-ind"]
    assert [one.slug for one in found.overdue(date(2028, 2, 29))] == ["log-ind", "hvem"]


DA, EN = "da/guides/log-ind.md", "en/guides/log-ind.md"
FENCE = '```screen\nlogin/username.html\npoint_at = "username"\n```'
MANY = "".join(f"## Trin {number}\nGør det.\n\n" for number in range(10))


@pytest.mark.parametrize(
    ("name", "old", "new", "fault"),
    [
        (DA, '["elev"]', '["elver"]', "da/guides/log-ind.md: audiences: elver is none of elev, foraelder"),
        (DA, '["login"]', '["logn"]', "da/guides/log-ind.md: topics: logn is none of login, elevadgang"),
        (DA, "minutes = 2", 'minutes = "2"', "da/guides/log-ind.md: minutes: expected a number above 0"),
        (DA, "2026-02-28", '"2026-02-28"', "da/guides/log-ind.md: reviewed_on: expected a date without"),
        (DA, "[]", '"x"', 'da/guides/log-ind.md: related: expected a list like ["…", "…"]'),
        (DA, '["elev"]', '["elev", "elev"]', "da/guides/log-ind.md: audiences: names one twice"),
        (DA, 'point_at = "username"', "point_at = 7", "step 1: screen: a name of a template, then point_at"),
        ("da/news/nyt.md", "+++\n", "# x", "da/news/nyt.md: there is no head"),
        ("da/pages/om.md", "Efter.", "# Efter", "da/pages/om.md: # is the title's heading; begin with ##"),
        (DA, 'owner = "Support"', "", "da/guides/log-ind.md: owner: is missing"),
        (DA, "minutes", "minuts", "da/guides/log-ind.md: minuts: unknown key"),
        (DA, '["hvem"]', '["hvor"]', "da/guides/log-ind.md: questions: there is no question hvor"),
        (DA, "related = []", 'related = ["x"]', "da/guides/log-ind.md: related: there is no guide x"),
        (DA, "question:hvem", "question:hvo", "da/guides/log-ind.md step 1: a link leads to question:hvo,"),
        (DA, "question:hvem", "screen:login.x", "log-ind.md step 1: a link leads to screen:login.x, which"),
        (DA, "question:hvem", "http://x.dk", "log-ind.md step 1: a link leads to http://x.dk, which"),
        (DA, "{phone}", "{phnoe}", "da/guides/log-ind.md step 3: unknown placeholder {phnoe}"),
        (DA, "på {brand}", "på {brnad}", "da/guides/log-ind.md: unknown placeholder {brnad}"),
        (DA, "## Log ind", MANY + "## Log ind", "da/guides/log-ind.md: 12 steps are more than 9"),
        (DA, "Først", "# Først", "da/guides/log-ind.md: # is the title's heading; a step's is ##"),
        (DA, 'point_at = "username"', "", "da/guides/log-ind.md step 1: screen: point_at is missing"),
        (DA, 'point_at = "username"', "point_at = x", "da/guides/log-ind.md step 1: screen: Invalid value"),
        (DA, "Ring {phone}.", FENCE, "da/guides/log-ind.md: a screen stands beside a step"),
        (DA, "+++\ntitle", "title", "there is no head between two lines of +++"),
        (EN, 'title = "Log in to {brand}"\n', "", "en/guides/log-ind.md: title: is missing"),
        (EN, 'lead = "How to."', "minutes = 2", "en/guides/log-ind.md: minutes: unknown key"),
        (EN, "## Log in\n", "", "en/guides/log-ind.md: 1 steps, and the Danish has 2"),
        (EN, "login/username", "login/choose", "log-ind.md step 1: other screens than in the Danish step"),
        (EN, "If it does", "When it does", "en/guides/log-ind.md: 3 steps, and the Danish has 2"),
        (EN, '["Your username"]', "[]", "en/guides/log-ind.md: needs: 0 lines, and the Danish has 1"),
        ("short_links.toml", '"4711"', '"471"', "short_links.toml: 471: expected four digits"),
        ("short_links.toml", "log-ind", "log-ud", "short_links.toml: 4711: there is no guide log-ud"),
        ("short_links.toml", '"4711" = "log-ind"', "", "short_links.toml: log-ind has no code"),
        ("short_links.toml", "\n", '\n"4712" = "log-ind"', "short_links.toml: log-ind has both 4711 and"),
        ("short_links.toml", "\n", '\n"4711" = "log-ind"', "short_links.toml: Cannot overwrite a value"),
        ("redirects.toml", '"log-ind"', '"log-x"', "redirects.toml: log-paa: there is no log-x"),
        ("redirects.toml", "log-paa", "hvem", "redirects.toml: hvem is there itself"),
        ("da/questions/hvem.md", '["log-ind"]', '["x"]', "questions/hvem.md: guides: there is no guide x"),
        ("da/news/nyt.md", "published_on", "published", "da/news/nyt.md: published: unknown key"),
        ("da/topics.toml", 'lead = "Om."', "", "da/topics.toml [login]: lead: is missing"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(
    content: Path, name: str, old: str, new: str, fault: str
) -> None:
    text = (content / name).read_text("utf-8")
    assert old in text
    write(content, name, text.replace(old, new))
    with pytest.raises(ContentError) as raised:
        read(content)
    assert fault in str(raised.value)


def test_all_that_is_wrong_is_told_at_once_and_each_thing_once(content: Path) -> None:
    write(content, DA, GUIDE.replace("question:hvem", "question:x").replace("minutes = 2", ""))
    write(content, "da/questions/hvem.md", QUESTION.replace('owner = "Support"', ""))
    with pytest.raises(ContentError) as raised:
        read(content)
    assert sorted(str(raised.value).splitlines()) == [
        "da/guides/log-ind.md step 1: a link leads to question:x, which is not there",
        "da/guides/log-ind.md: minutes: expected a number above 0",
        "da/questions/hvem.md: owner: is missing",
    ]


def test_a_page_that_must_be_there_and_one_that_nobody_shows_are_told(content: Path) -> None:
    (content / "da/pages/privatliv.md").unlink()
    write(content, "da/pages/andet.md", PAGE)
    write(content, "en/news/kun-engelsk.md", FILES["da/news/nyt.md"])
    write(content, "da/news/Stort.md", FILES["da/news/nyt.md"])
    with pytest.raises(ContentError) as raised:
        read(content)
    told = str(raised.value)
    assert "da/pages/privatliv.md: is missing" in told
    assert "da/pages/andet.md: no page of the site shows it" in told
    assert "en/news/kun-engelsk.md: there is no Danish one" in told
    assert "da/news/Stort.md: the name is not small letters" in told


def test_prose_holds_no_html_of_its_own(content: Path) -> None:
    write(content, DA, GUIDE.replace("Først lidt", "<script>x</script> [her](javascript:x)"))
    html = read(content)["da"].guides["log-ind"].introduction.html
    assert "<script" not in html
    assert "href" not in html


def test_a_table_says_the_heading_of_each_column_and_row(content: Path) -> None:
    table = "| | Ord | Billeder |\n|---|---|---|\n| 3. klasse | nej | **ja** |\n| 4. klasse | ja | nej |\n"
    write(content, "da/pages/om.md", PAGE.replace("Før.", table))
    html = read(content)["da"].articles["om"].proses[0].html
    assert html.startswith('<div class="table-scroll" role="group" aria-label="Ord, Billeder" tabindex="0">')
    assert html.endswith("</table>\n</div>")
    assert '<thead>\n<tr>\n<td></td>\n<th scope="col">Ord</th>\n' in html
    assert '<th scope="row">3. klasse</th>\n<td>nej</td>\n<td><strong>ja</strong></td>' in html
    assert html.count("<th ") == 4


def test_a_link_to_another_site_is_marked_as_one(content: Path) -> None:
    write(content, "da/pages/om.md", PAGE.replace("Før.", "[Andre](https://www.example.dk/x)"))
    linked = read(content)["da"].articles["om"].proses[0].linked(lambda _kind, _name: "", "skole.example")
    assert 'rel="external noreferrer" href="https://www.example.dk/x"' in linked


def test_a_link_becomes_an_address_which_paper_shows_in_full(content: Path) -> None:
    prose = read(content)["da"].guides["log-ind"].steps[0].prose
    linked = prose.linked(lambda kind, name: f"/da/{kind}/{name}?a=1&b=2", "skole.example")
    assert '<a href="/da/question/hvem?a=1&amp;b=2" data-address="skole.example/da/question/hvem">' in linked
