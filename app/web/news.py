"""What is new, and the same as an Atom feed."""

from __future__ import annotations

from datetime import datetime, time
from xml.etree.ElementTree import Element, SubElement, tostring

from flask import Blueprint, make_response, url_for
from werkzeug.wrappers import Response

from app.db import COPENHAGEN
from app.domain.library import NewsItem
from app.web.guard import public
from app.web.hours import opening_hours
from app.web.i18n import LANGUAGES, day_text, language
from app.web.i18n import gettext as _
from app.web.library import elsewhere, entries, html, library, said_in
from app.web.page import page, site
from app.web.transaction import config

LANG = f"<any({', '.join(LANGUAGES)}):lang>"
ATOM = "http://www.w3.org/2005/Atom"

blueprint = Blueprint("news", __name__)


@blueprint.get(f"/{LANG}/aktuelt")
@public
def index(lang: str) -> Response:
    """List what is new, newest first."""
    return page("news/index.html", news=entries(library().news.values()), hours=opening_hours())


@blueprint.get(f"/{LANG}/aktuelt/<slug>")
@public
def item(lang: str, slug: str) -> Response:
    """Show one thing that is new."""
    found = library()
    one = found.news.get(slug)
    if one is None:
        return elsewhere("news.item", slug, found.news)
    return page(
        "news/item.html",
        item=one,
        **said_in("news", slug),
        body=html(one.prose),
        date_text=day_text(one.published_on, language()),
        hours=opening_hours(),
    )


@blueprint.get(f"/{LANG}/aktuelt.atom")
@public
def feed(lang: str) -> Response:
    """Tell what is new to feed readers (RFC 4287)."""
    news = list(library().news.values())
    root = Element("feed", {"xmlns": ATOM, "xml:lang": language()})
    here = _full(url_for("news.feed", lang=lang))
    SubElement(root, "title").text = _("Aktuelt om %(brand)s", brand=site().brand)
    SubElement(root, "id").text = here
    SubElement(root, "link", {"rel": "self", "type": "application/atom+xml", "href": here})
    SubElement(root, "link", {"rel": "alternate", "href": _full(url_for("news.index", lang=lang))})
    SubElement(root, "updated").text = _midnight(news[0]) if news else "1970-01-01T00:00:00Z"
    author = SubElement(root, "author")
    SubElement(author, "name").text = site().operator or site().brand
    for one in news:
        _entry(root, one)
    text = tostring(root, encoding="unicode", xml_declaration=True)
    answer = make_response(text)
    answer.headers["Content-Type"] = "application/atom+xml; charset=utf-8"
    return answer


def _entry(root: Element, one: NewsItem) -> None:
    address = _full(url_for("news.item", lang=language(), slug=one.slug))
    entry = SubElement(root, "entry", {"xml:lang": one.language})
    SubElement(entry, "title").text = one.title
    SubElement(entry, "id").text = address
    SubElement(entry, "link", {"rel": "alternate", "href": address})
    SubElement(entry, "published").text = SubElement(entry, "updated").text = _midnight(one)
    SubElement(entry, "summary").text = one.lead


def _full(href: str) -> str:
    return config().public_url + href


def _midnight(one: NewsItem) -> str:
    return datetime.combine(one.published_on, time(), COPENHAGEN).isoformat()
