"""Turning a screen's own HTML into a picture of it: nothing to press, to fill in, to send or to focus."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape, unescape
from html.parser import HTMLParser

# What an element becomes that would do something, or would be a landmark or heading of the page around it.
PLAIN = {
    **dict.fromkeys(("form", "section", "nav", "main", "header", "footer", "article", "aside"), "div"),
    **dict.fromkeys(("fieldset", "details", "summary"), "div"),
    **dict.fromkeys(("a", "button", "label", "input", "select", "textarea", "time"), "span"),
    **dict.fromkeys(("h1", "h2", "h3", "h4", "legend"), "p"),
}
# Attributes that only say how something looks or in which language it is.
LOOKS = {"class", "dir", "lang", "translate", "colspan", "rowspan", "src", "alt", "data-id"}
DRAWN = {"svg", "use", "path", "g", "circle", "rect", "symbol"}
DRAWING = {"class", "width", "height", "viewbox", "href", "d", "fill", "stroke", "transform"}
VOID = {"input", "br", "img", "hr", "wbr", "use", "path", "circle", "rect"}
# Elements that may hold no arrow of their own: it goes into the first one in them that may.
HOLDERS = {"table", "thead", "tbody", "tr", "ul", "ol", "dl"}
NAMING = {"label", "summary", "h1", "h2", "h3", "legend"}
ARROW = (
    '<svg class="still-arrow" width="40" height="32" viewBox="0 0 40 32" aria-hidden="true">'
    '<path d="M2 11h18V2l18 14-18 14v-9H2z"/></svg>'
)
LONGEST_NAME = 60


@dataclass(slots=True)
class _Open:
    """An element that is open: what closes it, and the words in it so far."""

    tag: str
    closing: str
    is_dropped: bool = False
    is_pointed: bool = False
    is_name: bool = False
    is_unseen: bool = False
    is_shut: bool = False
    words: list[str] = field(default_factory=list)


class Picture(HTMLParser):
    """A screen's HTML made inert, with an arrow at one part of it."""

    def __init__(self, html: str, point_at: str, *, is_all_seen: bool = False) -> None:
        """Redraw `html`, pointing at the first element whose `data-part` is `point_at`.

        `is_all_seen` draws also what readers see only sometimes: later on, or where a browser can.
        """
        super().__init__(convert_charrefs=False)
        self._point_at, self._is_all_seen = point_at, is_all_seen
        self._out: list[str] = []
        self._open: list[_Open] = []
        self._waits_for_arrow = False
        self.has_part = False
        self.heading = ""
        # What the part is called, where it has a name of its own.
        self.part_name = ""
        # Every piece of words that an element of its own holds: among them the words of every button.
        self.labels: set[str] = set()
        self.feed(html)
        self.close()

    @property
    def html(self) -> str:
        """The picture."""
        return "".join(self._out)

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        """Draw the beginning of an element."""
        given = dict(attrs)
        if self._is_dropping or self._is_hidden(tag, given):
            if tag not in VOID:
                self._open.append(_Open(tag, "", is_dropped=True))
            return
        made = tag if tag in DRAWN else PLAIN.get(tag, tag)
        is_pointed = not self.has_part and given.get("data-part") == self._point_at
        self._out.append(f"<{made}{self._attributes(tag, given, is_pointed=is_pointed)}>")
        self.has_part = self.has_part or is_pointed
        self._waits_for_arrow = self._waits_for_arrow or is_pointed
        if self._waits_for_arrow and tag not in HOLDERS:
            self._out.append(ARROW)
            self._waits_for_arrow = False
        if tag == "input":
            # What a tick box stands for is nothing that anybody sees.
            is_box = given.get("type") in ("checkbox", "radio")
            self._out.append(f"{'' if is_box else escape(given.get('value') or '')}</span>")
        elif tag not in VOID:
            classes = (given.get("class") or "").split()
            one = _Open(tag, f"</{made}>", is_pointed=is_pointed)
            one.is_name = tag in NAMING or "choice-title" in classes
            one.is_unseen = "visually-hidden" in classes or given.get("aria-hidden") == "true"
            one.is_shut = tag == "details" and "open" not in given
            self._open.append(one)

    def handle_startendtag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        """Draw an element that closes itself, as those of drawings do."""
        if self._is_dropping:
            return
        self._out.append(f"<{tag}{self._attributes(tag, dict(attrs), is_pointed=False)}/>")

    def handle_endtag(self, tag: str) -> None:
        """Draw the end of an element, and note what it said."""
        if tag in VOID or not self._open:
            return
        one = self._open.pop()
        if one.is_dropped:
            return
        self._out.append(one.closing)
        words = " ".join("".join(one.words).split())
        if words:
            self.labels.add(words)
        if one.tag == "h1" and not self.heading:
            self.heading = words
        inside_part = one.is_pointed or any(outer.is_pointed for outer in self._open)
        is_short = one.is_pointed and len(words) <= LONGEST_NAME
        if inside_part and not self.part_name and (one.is_name or is_short):
            self.part_name = words

    def handle_data(self, data: str) -> None:
        """Draw some words."""
        self._say(data, data)

    def handle_entityref(self, name: str) -> None:
        """Draw a sign that is written by its name."""
        self._say(f"&{name};", unescape(f"&{name};"))

    def handle_charref(self, name: str) -> None:
        """Draw a sign that is written by its number."""
        self._say(f"&#{name};", unescape(f"&#{name};"))

    def _say(self, written: str, meant: str) -> None:
        if self._is_dropping:
            return
        self._out.append(written)
        if not any(one.is_unseen for one in self._open):
            for one in self._open:
                one.words.append(meant)

    @property
    def _is_dropping(self) -> bool:
        return bool(self._open) and self._open[-1].is_dropped

    def _is_hidden(self, tag: str, given: dict[str, str | None]) -> bool:
        """Whether readers do not see an element; what waits for script is seen by nearly all of them."""
        if tag == "input" and (given.get("type") == "hidden" or "hidden" in given):
            return True
        if self._is_all_seen:
            return False
        if self._open and self._open[-1].is_shut and tag != "summary":
            return True
        return "hidden" in given and "data-script" not in given

    def _attributes(self, tag: str, given: dict[str, str | None], *, is_pointed: bool) -> str:
        kept = DRAWING if tag in DRAWN else LOOKS
        found = {name: value or "" for name, value in given.items() if name in kept}
        marks = [f"is-{tag}"] if tag in PLAIN else []
        if tag == "input" and given.get("type") in ("checkbox", "radio"):
            marks.append("is-box" + (" is-checked" if "checked" in given else ""))
        if is_pointed:
            marks.append("is-pointed-at")
        if marks:
            found["class"] = " ".join([*found.get("class", "").split(), *marks])
        if tag == "svg":
            found["aria-hidden"] = "true"
        return "".join(f' {name}="{escape(value)}"' for name, value in found.items())
