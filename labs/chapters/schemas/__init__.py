"""Chapter 12: schemas, and a registry that refuses what would break a reader."""

from __future__ import annotations

from labs.chapters.schemas.deploy import DEPLOY
from labs.chapters.schemas.formats import FORMATS
from labs.chapters.schemas.outage import OUTAGE
from labs.chapters.schemas.rules import RULES
from labs.chapters.schemas.unchecked import UNCHECKED

NUMBER = 12
EXPERIMENTS = (UNCHECKED, FORMATS, RULES, DEPLOY, OUTAGE)
