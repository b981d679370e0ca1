"""The graph of areas that lie side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from ingest.sample.arrays import Floats, Ints


class Graph:
    """Neighbours of each of ``size`` blocks with the length of the border that they share, metres."""

    def __init__(self, size: int, pairs: Ints, lengths: Floats) -> None:
        lists: list[dict[int, float]] = [{} for _ in range(size)]
        for (a, b), length in zip(pairs.tolist(), lengths.tolist(), strict=True):
            lists[a][b] = lists[a].get(b, 0.0) + length
            lists[b][a] = lists[b].get(a, 0.0) + length
        self._around = [sorted(entry.items()) for entry in lists]
        self._doors = [[other for other, _ in entry] for entry in self._around]

    def around(self, block: int) -> list[tuple[int, float]]:
        """Return (neighbour, length of the shared border) in order of the neighbours."""
        return self._around[block]

    def part(self, members: Ints) -> Graph:
        """Return the graph of some blocks alone, renumbered in their order."""
        place = {int(block): number for number, block in enumerate(members)}
        graph = Graph.__new__(Graph)
        graph._around = [[(place[b], length) for b, length in self._around[int(block)] if b in place] for block in members]
        for entry in graph._around:
            entry.sort()
        graph._doors = [[other for other, _ in entry] for entry in graph._around]
        return graph

    def on_borders(self, labels: Sequence[int]) -> Iterator[int]:
        """Yield the blocks that have a neighbour with another label, looking at the labels as they are when it comes to them."""
        for block, doors in enumerate(self._doors):
            own = labels[block]
            for other in doors:
                if labels[other] != own:
                    yield block
                    break

    def components(self, members: list[int]) -> list[list[int]]:
        """Return the connected pieces of the members, each in ascending order."""
        left = set(members)
        pieces = []
        for start in members:
            if start not in left:
                continue
            left.discard(start)
            piece = [start]
            for block in piece:
                for other, _ in self._around[block]:
                    if other in left:
                        left.discard(other)
                        piece.append(other)
            pieces.append(sorted(piece))
        return pieces

    def is_connected_without(self, labels: Sequence[int] | Ints, label: int, block: int) -> bool:
        """Say whether the part called ``label`` stays in one piece, and does not vanish, when it loses ``block``."""
        doors = [other for other, _ in self._around[block] if labels[other] == label]
        if not doors:
            return False
        wanted = set(doors[1:])
        seen = {block, doors[0]}
        queue = [doors[0]]
        for at in queue:
            if not wanted:
                return True
            for other, _ in self._around[at]:
                if other not in seen and labels[other] == label:
                    seen.add(other)
                    wanted.discard(other)
                    queue.append(other)
        return not wanted

    def enclosed(self, labels: Ints, count: int, on_rim: set[int]) -> list[int]:
        """Return the parts that enclose others: without them some part cannot reach the rim of the region."""
        links: list[set[int]] = [set() for _ in range(count)]
        for block, entry in enumerate(self._around):
            for other, _ in entry:
                links[int(labels[block])].add(int(labels[other]))
        return [label for label in range(count) if not self._all_reach_rim(links, count, on_rim, label)]

    @staticmethod
    def _all_reach_rim(links: list[set[int]], count: int, on_rim: set[int], without: int) -> bool:
        queue = sorted(on_rim - {without})
        seen = {without, *queue}
        for at in queue:
            for other in links[at] - seen:
                seen.add(other)
                queue.append(other)
        return len(seen) == count


def make_graph(size: int, pairs: Ints, lengths: Floats) -> Graph:
    """Return the graph of ``size`` blocks from the two sides (m, 2) of each edge; edges with -1 lead outside and are left out."""
    inner = (pairs >= 0).all(axis=1)
    return Graph(size, pairs[inner], np.asarray(lengths[inner]))
