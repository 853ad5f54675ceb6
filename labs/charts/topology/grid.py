"""Where things stand in the live picture. All lengths are SVG units, px at full size."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from labs.observe.snapshot import ClusterSnapshot

WIDTH = 900
PAD = 20
GAP = 14
MIN_CARD = 132  # narrower, and a card's words no longer fit: the picture grows wider instead
INSET = 12
HEADER = 52
CONTROLLER_TOP = 66
CONTROLLER = 34
WIRE = 38
NARROW = 190
ROOMY = 6  # up to so many partitions there is room for words in each of them


@dataclass(frozen=True)
class Grid:
    """The places of one snapshot's brokers and partitions.

    `columns`: replicas beside each other in a broker's card; `rows`: below each other, per topic.
    """

    width: int
    card: int
    roomy: bool
    columns: int
    rows: dict[str, int]

    @classmethod
    def fit(cls, s: ClusterSnapshot) -> Grid:
        """The grid on which a snapshot fits."""
        count = max(len(s.brokers), 1)
        card = max((WIDTH - 2 * PAD - (count - 1) * GAP) // count, MIN_CARD)
        width = 2 * PAD + count * card + (count - 1) * GAP
        roomy = len(s.partitions) <= ROOMY and card >= NARROW
        columns = 1 if roomy else max((card - 2 * INSET + 6) // 58, 1)
        sizes = Counter(p.topic for p in s.partitions)
        rows = {topic: -(-sizes[topic] // columns) for topic in s.topics}
        return cls(max(width, WIDTH), card, roomy, columns, rows)

    @property
    def legend(self) -> bool:
        """Whether one is needed: not where words fit in the boxes."""
        return bool(self.rows) and not self.roomy

    @property
    def narrow(self) -> bool:
        """Whether a card has room for short words only."""
        return self.card < NARROW

    @property
    def top(self) -> int:
        """Where the cards begin."""
        return CONTROLLER_TOP + CONTROLLER + WIRE

    @property
    def bottom(self) -> int:
        """Where they end."""
        content = sum(26 + 30 * rows for rows in self.rows.values())
        return self.top + HEADER + max(content, 30) + 10

    def left(self, column: int) -> int:
        """Where a card begins."""
        return PAD + column * (self.card + GAP)

    @property
    def slot_width(self) -> float:
        """How wide a replica is."""
        room = self.card - 2 * INSET
        return (room - 6 * (self.columns - 1)) / self.columns

    def slot(self, index: int) -> tuple[float, int]:
        """Where in its topic's part of a card a partition's replica stands."""
        row, column = divmod(index, self.columns)
        return column * (self.slot_width + 6), 30 * row
