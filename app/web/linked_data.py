"""What a page says of itself to machines: schema.org in JSON-LD, which is data and never run."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from markupsafe import Markup

from app.domain.guides import Guide
from app.domain.library import Question


def how_to(guide: Guide, address: str) -> Markup:
    """Return a guide as a HowTo."""
    return _script(
        {
            "@type": "HowTo",
            "name": guide.title,
            "description": guide.lead,
            "inLanguage": guide.language,
            "totalTime": f"PT{guide.minutes}M",
            "url": address,
            "supply": [{"@type": "HowToSupply", "name": one} for one in guide.needs],
            "step": [
                {
                    "@type": "HowToStep",
                    "position": step.number,
                    "name": step.heading,
                    "text": step.prose.text,
                    "url": f"{address}#trin-{step.number}",
                }
                for step in guide.steps
            ],
        }
    )


def faq(questions: Iterable[Question], address: str) -> Markup:
    """Return questions and their answers as a FAQPage."""
    found = list(questions)
    return _script(
        {
            "@type": "FAQPage",
            "url": address,
            "inLanguage": found[0].language if found else None,
            "mainEntity": [
                {
                    "@type": "Question",
                    "name": one.title,
                    "acceptedAnswer": {"@type": "Answer", "text": f"{one.lead} {one.prose.text}".strip()},
                }
                for one in found
            ],
        }
    )


def _script(said: dict[str, Any]) -> Markup:
    text = json.dumps({"@context": "https://schema.org", **said}, ensure_ascii=False)
    # No text can end the element, nor begin another.
    text = text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")
    return Markup('<script type="application/ld+json">{}</script>').format(Markup(text))  # noqa: S704
