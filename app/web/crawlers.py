"""What search engines read: which pages there are, and which are none of their business."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import date
from typing import Any
from xml.etree.ElementTree import Element, SubElement, tostring

from flask import Blueprint, make_response, url_for
from werkzeug.wrappers import Response

from app.domain.audiences import AUDIENCES
from app.domain.guides import TOPICS
from app.domain.library import ARTICLES
from app.web.guard import public
from app.web.i18n import LANGUAGES
from app.web.library import library
from app.web.transaction import config

SITEMAP = "http://www.sitemaps.org/schemas/sitemap/0.9"
XHTML = "http://www.w3.org/1999/xhtml"

blueprint = Blueprint("crawlers", __name__)


@blueprint.get("/robots.txt")
@public
def robots() -> Response:
    """Let crawlers read the public pages, and none of the tools."""
    readable = sorted({f"/{code}/" for code in LANGUAGES})
    lines = ["User-agent: *", *(f"Allow: {path}" for path in readable), "Allow: /$", "Allow: /static/"]
    lines += ["Disallow: /", "", f"Sitemap: {config().public_url}{url_for('crawlers.sitemap')}", ""]
    return _answer("\n".join(lines), "text/plain")


@blueprint.get("/sitemap.xml")
@public
def sitemap() -> Response:
    """List every public page in every language that it is in."""
    root = Element("urlset", {"xmlns": SITEMAP, "xmlns:xhtml": XHTML})
    for endpoint, values, changed_on, written in _pages():
        addresses = {code: config().public_url + url_for(endpoint, lang=code, **values) for code in written}
        for address in addresses.values():
            url = SubElement(root, "url")
            SubElement(url, "loc").text = address
            if changed_on:
                SubElement(url, "lastmod").text = changed_on.isoformat()
            for code, other in addresses.items():
                SubElement(url, "xhtml:link", {"rel": "alternate", "hreflang": code, "href": other})
    return _answer(tostring(root, encoding="unicode", xml_declaration=True), "application/xml")


def _pages() -> Iterator[tuple[str, dict[str, Any], date | None, Collection[str]]]:
    """Return each page's endpoint and values, when its text was changed, and the languages it is in."""
    found = library()
    for endpoint in (
        "support.front",
        "help_me.ask",
        "guides.index",
        "questions.index",
        "news.index",
        "contact.form",
        "status.now",
    ):
        yield endpoint, {}, None, LANGUAGES
    for name, kind, slugs in (
        ("audience", "audiences", AUDIENCES),
        ("topic", "topics", TOPICS),
        ("article", "pages", ARTICLES),
    ):
        for slug in slugs:
            yield f"support.{name}", {name: slug}, None, found.languages[kind, slug]
    for guide in found.guides.values():
        yield "guides.guide", {"slug": guide.slug}, guide.reviewed_on, found.languages["guides", guide.slug]
    for question in found.questions.values():
        written = found.languages["questions", question.slug]
        yield "questions.question", {"slug": question.slug}, question.reviewed_on, written
    for item in found.news.values():
        yield "news.item", {"slug": item.slug}, item.published_on, found.languages["news", item.slug]


def _answer(text: str, kind: str) -> Response:
    answer = make_response(text)
    answer.headers["Content-Type"] = f"{kind}; charset=utf-8"
    return answer
