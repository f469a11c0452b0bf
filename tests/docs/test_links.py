"""Relative links and images in the documentation lead to files and headings that exist."""

from __future__ import annotations

import re

from support.places import ROOT

DOCUMENTS = sorted(
    path for pattern in ("*.md", "docs/*.md", "examples/*/*.md", "tests/*/*.md") for path in ROOT.glob(pattern)
)
LINK = re.compile(r"\]\((?!\w+:)([^)\s#]*)#?([^)\s]*)\)")
FENCED = re.compile(r"^```.*?^```", re.M | re.S)


def anchors(markdown: str) -> set[str]:
    """Return the anchors of all headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", FENCED.sub("", markdown), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_relative_links_lead_somewhere() -> None:
    broken = []
    for document in DOCUMENTS:
        for link, anchor in LINK.findall(document.read_text(encoding="utf-8")):
            target = document.parent / link if link else document
            if not target.exists() or (anchor and anchor not in anchors(target.read_text(encoding="utf-8"))):
                broken.append(f"{document.relative_to(ROOT)}: {link}#{anchor}")
    assert len(DOCUMENTS) > 10
    assert broken == []
