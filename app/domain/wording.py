"""Whether what there is to read is as easy as its readers need, with one name for one thing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape

from app.domain.audiences import AUDIENCES
from app.domain.languages import LANGUAGES
from app.domain.library import Library

# The highest LIX of a text by whom it is for: the share of long words and the length of sentences.
HARDEST = {"elev": 25, "foraelder": 32, "laerer": 40, "personale": 40}
LONG = 6
ENDS = re.compile(r"</(?:p|li|h\d|td|th)>")
LINKS = re.compile(r"<a .*?</a>", re.DOTALL)
TAGS = re.compile(r"<[^>]+>")
# Links that do not say where they lead.
EMPTY = re.compile(r">\s*(her|læs mere|here|read more|click here)\s*</a>", re.IGNORECASE)
LETTERS = re.compile(r"[^\W\d_]+")


def faults(library: Library, language: str) -> list[str]:
    """Return what is wrong with the texts that are in a language, a line each."""
    return [f"{language}/{place}: {fault}" for place, fault in _faults(library, language)]


def hardness(html: str) -> float:
    """Return the LIX of some prose; a list's line and a heading are sentences of their own."""
    text = unescape(TAGS.sub("", ENDS.sub(". ", html)))
    sentences = [part for part in re.split(r"[.!?:]+(?:\s|$)", text) if LETTERS.search(part)]
    words = [word for sentence in sentences for word in LETTERS.findall(sentence)]
    if not words:
        return 0
    return len(words) / len(sentences) + 100 * sum(len(word) > LONG for word in words) / len(words)


def _faults(library: Library, language: str) -> Iterator[tuple[str, str]]:
    unsaid = LANGUAGES[language].unsaid
    for place, whom, title, html in _texts(library, language):
        lix, most = hardness(f"<p>{title}</p>{html}"), min(HARDEST[one] for one in whom)
        if lix > most:
            yield place, f"LIX {lix:.0f}, and its readers need {most} at most"
        for link in EMPTY.findall(html):
            yield place, f"the link «{link}» does not say where it leads"
        # A link and a title may have people's own words for a thing.
        said = {word.casefold() for word in LETTERS.findall(unescape(TAGS.sub(" ", LINKS.sub("", html))))}
        for word in unsaid:
            if word in said:
                yield place, f"«{word}» has another name here"


def _texts(library: Library, language: str) -> Iterator[tuple[str, tuple[str, ...], str, str]]:
    """Return each text that is in the language: its place, whom it is for, title, and the rest as HTML."""
    for guide in library.guides.values():
        if guide.language == language:
            steps = "".join(f"<p>{step.heading}</p>" for step in guide.steps)
            prose = steps + "".join(one.html for one in guide.proses)
            yield f"guides/{guide.slug}.md", guide.audiences, guide.title, f"<p>{guide.lead}</p>{prose}"
    for question in library.questions.values():
        if question.language == language:
            html = f"<p>{question.lead}</p>{question.prose.html}"
            yield f"questions/{question.slug}.md", question.audiences, question.title, html
    for slug, article in library.articles.items():
        if article.language == language:
            whom = (slug,) if slug in AUDIENCES else ("personale",)
            prose = "".join(one.html for one in article.proses)
            yield f"pages/{slug}.md", whom, article.title, f"<p>{article.lead}</p>{prose}"
    for item in library.news.values():
        if item.language == language:
            yield f"news/{item.slug}.md", ("personale",), item.title, f"<p>{item.lead}</p>{item.prose.html}"
