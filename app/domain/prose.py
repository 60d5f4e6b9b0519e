"""Prose: Markdown made into HTML that is ours, with the links inside the site kept by what they mean.

A link is written `[text](guide:slug)`. It is checked when the content is read, and becomes an address in
the reader's language.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from html import escape

from markdown_it import MarkdownIt
from markdown_it.token import Token

# Button words are written **«Næste»**, as they stand on the screen.
WORD = re.compile(r"«([^«»]+)»")
LINK = re.compile(r'<a href="([a-z]+):([^"]*)"')
SCREEN = "screen"

# What a link of a kind leads to, or None if there is no such thing.
Address = Callable[[str, str], str | None]


@dataclass(frozen=True, slots=True)
class Prose:
    """Some prose: HTML whose links still say what they mean, its plain text, and the button words in it."""

    html: str = ""
    text: str = ""
    words: tuple[str, ...] = ()

    @property
    def links(self) -> list[tuple[str, str]]:
        """The kind and name of every link."""
        return LINK.findall(self.html)

    def linked(self, address: Address, host: str = "") -> str:
        """Return the HTML with addresses in it; paper shows them in full, after the `host`."""

        def replace(found: re.Match[str]) -> str:
            kind, name = found[1], found[2]
            if kind == "https":
                return f'<a rel="external noreferrer" href="{kind}:{name}" data-address="{name[2:]}"'
            where = escape(address(kind, name) or "")
            shown = where.partition("?")[0]
            return f'<a href="{where}" data-address="{host}{shown}"'

        return LINK.sub(replace, self.html)


@dataclass(frozen=True, slots=True)
class Part:
    """What stands below one heading of the second level, or before the first: its prose and its fences."""

    heading: str
    prose: Prose
    fences: tuple[str, ...]


@cache
def prose(text: str) -> Prose:
    """Return a text as prose, its headings among the rest."""
    return _made(_markdown().parse(text))


@cache
def parts(text: str) -> tuple[Part, ...]:
    """Return a text divided at its headings of the second level; the first part has none."""
    return tuple(_part(tokens) for tokens in _divided(_markdown().parse(text)))


@cache
def has_first_heading(text: str) -> bool:
    """Whether a text has a heading of the first level, which is the page's own."""
    return any(token.type == "heading_open" and token.tag == "h1" for token in _markdown().parse(text))


@cache
def _markdown() -> MarkdownIt:
    made = MarkdownIt("commonmark", {"html": False}).enable("table")
    made.add_render_rule("table_open", _table_opened)
    made.add_render_rule("table_close", _table_closed)
    return made


def _table_opened(_renderer: object, tokens: Sequence[Token], place: int, *_rest: object) -> str:
    # On a phone a table is moved sideways in a frame of its own, also by keyboard; its columns name it.
    columns = escape(", ".join(tokens[place].meta["columns"]))
    return f'<div class="table-scroll" role="group" aria-label="{columns}" tabindex="0">\n<table>\n'


def _table_closed(*_given: object) -> str:
    return "</table>\n</div>\n"


def _head_tables(tokens: Sequence[Token]) -> None:
    """Let each column and row of a table say its heading, a row in its first cell; an empty one is none."""
    columns: list[str] = []
    is_first = False
    for opening, inside, closing in zip(tokens, tokens[1:], tokens[2:], strict=False):
        if opening.type == "table_open":
            columns = opening.meta["columns"] = []
        elif opening.type == "tr_open":
            is_first = True
        elif opening.type in ("th_open", "td_open"):
            words, is_column = _plain(inside), opening.type == "th_open"
            is_heading = bool(words) and (is_column or is_first)
            opening.tag = closing.tag = "th" if is_heading else "td"
            if is_heading:
                opening.attrSet("scope", "col" if is_column else "row")
            if is_column and words:
                columns.append(words)
            is_first = False


def _divided(tokens: Sequence[Token]) -> Iterator[list[Token]]:
    group: list[Token] = []
    for token in tokens:
        if token.type == "heading_open" and token.tag == "h2" and token.level == 0:
            yield group
            group = []
        group.append(token)
    yield group


def _part(tokens: list[Token]) -> Part:
    heading = ""
    if tokens and tokens[0].type == "heading_open" and tokens[0].tag == "h2":
        heading = _plain(tokens[1])
        tokens = tokens[3:]
    fences = tuple(token.content for token in tokens if _is_screen(token))
    return Part(heading, _made([token for token in tokens if not _is_screen(token)]), fences)


def _is_screen(token: Token) -> bool:
    return token.type == "fence" and token.info.strip() == SCREEN


def _made(tokens: Sequence[Token]) -> Prose:
    markdown = _markdown()
    _head_tables(tokens)
    inline = [token for token in tokens if token.type == "inline"]
    return Prose(
        html=markdown.renderer.render(tokens, markdown.options, {}).strip(),
        text=" ".join(filter(None, map(_plain, inline))),
        words=tuple(word for token in inline for word in _words(token)),
    )


def _plain(inline: Token) -> str:
    return _text(inline.children or ())


def _text(tokens: Sequence[Token]) -> str:
    """Return the words of some inline tokens; where a line ends, there is a blank."""
    ends = ("softbreak", "hardbreak")
    return "".join(
        " " if token.type in ends else token.content
        for token in tokens
        if token.type in ("text", "code_inline", *ends)
    )


def _words(inline: Token) -> Iterator[str]:
    children = inline.children or []
    begins = 0
    for number, token in enumerate(children):
        if token.type == "strong_open":
            begins = number
        elif token.type == "strong_close":
            found = WORD.fullmatch(_text(children[begins:number]))
            if found:
                yield found[1].strip()
