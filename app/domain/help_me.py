"""«Hvad er der galt?»: a few questions, whose every end is one flow or one text, read from the content files.

Danish is the source: its file says which troubles there are and where each leads. A file in another
language, if there is one, says the same in its own words, all of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.domain import content
from app.domain.audiences import AUDIENCES
from app.domain.content import Document, Faults
from app.domain.library import IsScreen, Library
from app.domain.site import SOURCE, Site, SiteError

FILE = "help_me.toml"
ENDS = "ends"
# Kinds of ends that are no text with a title of its own.
SPOKEN = ("screen", "contact")

# Where an end leads: a kind and a name, as a link in the content says it.
End = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Trouble:
    """What somebody is in need of, and where it ends: with and without MitID, or the same for both."""

    slug: str
    title: str
    with_mitid: End
    without_mitid: End

    @property
    def asks_for_mitid(self) -> bool:
        """Whether it ends elsewhere for those who have MitID."""
        return self.with_mitid != self.without_mitid

    @property
    def ends(self) -> tuple[End, ...]:
        """Where it may end."""
        return (self.with_mitid, self.without_mitid) if self.asks_for_mitid else (self.with_mitid,)


@dataclass(frozen=True)
class HelpMe:
    """All of it in one language; Danish where nobody has said it in the reader's."""

    language: str
    troubles: Mapping[str, Mapping[str, Trouble]]
    # Title and lead of what an end leads to, where that is not a text.
    ends: Mapping[End, tuple[str, str]]


def read(
    folder: Path, libraries: Mapping[str, Library], site: Site, *, is_screen: IsScreen
) -> dict[str, HelpMe]:
    """Read the questions in every language.

    Raises:
        ContentError: with everything that is wrong, a line each.

    """
    faults = Faults()
    danish = content.read_table(folder, f"{SOURCE}/{FILE}", faults)
    found = {}
    for language, library in libraries.items():
        written = language if (folder / language / FILE).exists() else SOURCE
        own = content.read_table(folder, f"{written}/{FILE}", faults)
        reader = _Reader(written, danish, own, site, faults)
        made = found[language] = reader.all()
        for some in made.troubles.values():
            for trouble in some.values():
                for end in trouble.ends:
                    if not _is_there(end, library, made, is_screen):
                        faults.add(
                            f"{language}/{FILE}",
                            f"{trouble.slug}: leads to {':'.join(end)}, which is not there",
                        )
    faults.tell()
    return found


def _is_there(end: End, library: Library, made: HelpMe, is_screen: IsScreen) -> bool:
    kind, name = end
    if kind in SPOKEN:
        return end in made.ends and (is_screen(name) if kind == "screen" else name == "")
    return name in {"guide": library.guides, "question": library.questions}.get(kind, {})


class _Reader:
    """Reads one language's file beside the Danish one, noting all that is wrong."""

    def __init__(
        self, language: str, danish: Mapping[str, Any], own: Mapping[str, Any], site: Site, faults: Faults
    ) -> None:
        self._language, self._danish, self._own = language, danish, own
        self._place, self._site, self._faults = f"{language}/{FILE}", site, faults

    def all(self) -> HelpMe:
        """Return everything in this language."""
        for group in self._own.keys() - {*AUDIENCES, ENDS}:
            self._faults.add(self._place, f"{group}: is no kind of reader")
        for group in (*AUDIENCES, ENDS):
            for key in _table(self._own, group).keys() - _table(self._danish, group).keys():
                self._faults.add(self._place, f"{group}.{key}: is not in the Danish file")
        return HelpMe(
            self._language,
            {
                who: {slug: self._trouble(who, slug) for slug in _table(self._danish, who)}
                for who in AUDIENCES
            },
            {_end(key): self._spoken(key) for key in _table(self._danish, ENDS)},
        )

    def _trouble(self, who: str, slug: str) -> Trouble:
        words = self._words(who, slug)
        words.only("title", *(("to", "with_mitid", "without_mitid") if self._language == SOURCE else ()))
        source = Document(self._place, _table(_table(self._danish, who), slug), "", self._faults)
        with_mitid, without_mitid = (
            _end(source.text("to" if "to" in source.head else key)) for key in ("with_mitid", "without_mitid")
        )
        return Trouble(slug, self._text(words, "title"), with_mitid, without_mitid)

    def _spoken(self, key: str) -> tuple[str, str]:
        words = self._words(ENDS, key)
        words.only("title", "lead")
        return self._text(words, "title"), self._text(words, "lead")

    def _words(self, group: str, key: str) -> Document:
        place = f"{self._place} [{group}.{key}]"
        return Document(place, _table(_table(self._own, group), key), "", self._faults)

    def _text(self, words: Document, key: str) -> str:
        text = words.text(key)
        try:
            return self._site.fill(text)
        except SiteError as error:
            self._faults.add(words.place, str(error))
            return text


def _table(document: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = document.get(key, {})
    return found if isinstance(found, dict) else {}


def _end(text: str) -> End:
    kind, _, name = text.partition(":")
    return kind, name
