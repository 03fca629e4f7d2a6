"""Medians of rounds with their spread, and ratios of two systems round by round."""

import statistics
from dataclasses import dataclass

STEAL_MAX = 0.01


@dataclass(frozen=True)
class Spread:
    median: float
    low: float
    high: float
    count: int

    @property
    def part(self):
        """Half the distance from low to high, as a part of the median."""
        return (self.high - self.low) / 2 / self.median if self.median else 0.0


def spread(values):
    """None of nothing."""
    values = [value for value in values if value is not None]
    return Spread(statistics.median(values), min(values), max(values), len(values)) if values else None


class Samples:
    """All samples of a run, asked for by cell and system."""

    def __init__(self, samples):
        self._samples = samples

    def __iter__(self):
        return iter(self._samples)

    def of(self, cell, system):
        return [sample for sample in self._samples if sample.cell == cell and sample.system == system]

    def spread(self, cell, system, figure):
        return spread([getattr(sample, figure) for sample in self.of(cell, system)])

    def ratio(self, figure, above, below):
        """(cell, system) over (cell, system), each round by itself: what slows a whole round slows both. None without a round that has both."""
        by_round = {sample.round: getattr(sample, figure) for sample in self.of(*below)}
        pairs = [(getattr(sample, figure), by_round.get(sample.round)) for sample in self.of(*above)]
        return spread([one / other for one, other in pairs if one is not None and other])

    def stolen_rounds(self, cell, system):
        return sum(sample.steal > STEAL_MAX for sample in self.of(cell, system))
