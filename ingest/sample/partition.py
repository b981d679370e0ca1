"""Balanced, compact, connected partitions of blocks: a power diagram with capacities, mended and evened out on the graph."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ingest.sample.arrays import Floats, Ints
from ingest.sample.graph import Graph


class Region(NamedTuple):
    """Blocks to be divided: ``centre`` (n, 2) metres, ``area_m2`` (n,) and the graph of which lie side by side."""

    centre: Floats
    area_m2: Floats
    graph: Graph


def divide(region: Region, capacity_m2: Floats, sites: Floats, anchor: Floats | None = None, rounds: int = 60) -> Ints:
    """Return the label 0..k-1 of each block so that the parts have about their capacity (k,) and hang together.

    ``sites`` (k, 2) are where the parts begin; with ``anchor`` (k, 2) their centroids are drawn to those places, without it
    the parts settle to a compact form.
    """
    capacity = capacity_m2 * (region.area_m2.sum() / capacity_m2.sum())
    labels = _power_diagram(region, capacity, sites, anchor, rounds)
    labels = _fill_empty(region, labels, len(capacity))
    labels = _mend(region, labels, len(capacity))
    return _even_out(region, labels, capacity)


def _power_diagram(region: Region, capacity: Floats, sites: Floats, anchor: Floats | None, rounds: int) -> Ints:
    """Move the sites and their weights until each takes its capacity; returns the best labels met."""
    middle = region.centre.mean(axis=0)
    # Squared distances without the part that is the same for all sites: that leaves one small matrix product.
    places, sites = region.centre - middle, sites - middle
    weights = np.zeros(len(sites))
    best, best_error = np.zeros(len(region.area_m2), dtype=np.int64), np.inf
    for step in range(rounds):
        labels = np.argmin((sites**2).sum(axis=1) - weights - 2.0 * (places @ sites.T), axis=1)
        load = np.bincount(labels, region.area_m2, minlength=len(sites))
        error = float(np.abs(load / capacity - 1.0).max())
        if error < best_error and step >= rounds // 3:
            best, best_error = labels, error
        weights += 0.3 * (capacity - load)
        means = np.stack([np.bincount(labels, region.area_m2 * places[:, k], minlength=len(sites)) for k in (0, 1)], axis=1)
        means = np.where(load[:, None] > 0, means / np.maximum(load, 1e-9)[:, None], sites)
        if anchor is not None:
            sites += 0.3 * (anchor - middle - means)
        elif step < 2 * rounds // 3:
            sites += 0.5 * (means - sites)
    return best.astype(np.int64)


def _fill_empty(region: Region, labels: Ints, count: int) -> Ints:
    """Give every part that got nothing one block of the largest part."""
    for label in range(count):
        if not (labels == label).any():
            sizes = np.bincount(labels, minlength=count)
            donor = int(np.argmax(sizes))
            members = np.nonzero(labels == donor)[0]
            loose = next((b for b in members if region.graph.is_connected_without(labels, donor, int(b))), members[0])
            labels[loose] = label
    return labels


def _mend(region: Region, labels: Ints, count: int) -> Ints:
    """Give the fragments of a part, all but its largest, to the neighbours along their longest border."""
    for _ in range(100):
        loose = _fragments(region, labels, count)
        if not loose:
            return labels
        for fragment in loose:
            _give_away(region, labels, fragment)
    return labels


def _fragments(region: Region, labels: Ints, count: int) -> list[list[int]]:
    found: list[list[int]] = []
    for label in range(count):
        pieces = region.graph.components(np.nonzero(labels == label)[0].tolist())
        pieces.sort(key=lambda piece: (-float(region.area_m2[piece].sum()), piece[0]))
        found.extend(pieces[1:])
    return found


def _give_away(region: Region, labels: Ints, fragment: list[int]) -> None:
    borders: dict[int, float] = {}
    own = int(labels[fragment[0]])
    for block in fragment:
        for other, length in region.graph.around(block):
            if labels[other] != own:
                borders[int(labels[other])] = borders.get(int(labels[other]), 0.0) + length
    if borders:
        labels[fragment] = max(sorted(borders), key=lambda label: borders[label])


def _even_out(region: Region, labels: Ints, capacity: Floats, passes: int = 40) -> Ints:
    """Move single blocks across borders while that brings areas nearer to capacity or shortens the borders."""
    balance = _Balance(region, labels, capacity)
    for _ in range(passes):
        moved = False
        for block in region.graph.on_borders(balance.where):
            target = balance.best_move(block)
            if target >= 0 and region.graph.is_connected_without(balance.where, balance.where[block], block):
                balance.move(block, target)
                moved = True
        if not moved:
            break
    return np.array(balance.where, dtype=np.int64)


class _Balance:
    """Which part each block belongs to, ``where``, and how far each part is over its capacity; plain lists, for speed."""

    def __init__(self, region: Region, labels: Ints, capacity: Floats) -> None:
        self.where: list[int] = labels.tolist()
        self._graph = region.graph
        self._areas: list[float] = region.area_m2.tolist()
        self._room: list[float] = capacity.tolist()
        self._excess: list[float] = (np.bincount(labels, region.area_m2, minlength=len(capacity)) - capacity).tolist()

    def move(self, block: int, target: int) -> None:
        """Give a block to another part."""
        self._excess[self.where[block]] -= self._areas[block]
        self._excess[target] += self._areas[block]
        self.where[block] = target

    def best_move(self, block: int) -> int:
        """Return the neighbouring part to which the block had better go, or -1."""
        own, area = self.where[block], self._areas[block]
        borders: dict[int, float] = {}
        for other, length in self._graph.around(block):
            borders[self.where[other]] = borders.get(self.where[other], 0.0) + length
        kept = borders.pop(own, 0.0)
        best, best_gain = -1, 1e-6
        for label, length in borders.items():
            compact = (length - kept) * area**0.5 / min(self._room[own], self._room[label])
            gain = self._relief(own, label, area) + 0.06 * compact
            if gain > best_gain:
                best, best_gain = label, gain
        return best

    def _relief(self, giver: int, taker: int, area: float) -> float:
        """Return by how much the sum of squared relative errors falls when an area changes hands."""
        from_excess, from_room = self._excess[giver], self._room[giver]
        to_excess, to_room = self._excess[taker], self._room[taker]
        before = (from_excess / from_room) ** 2 + (to_excess / to_room) ** 2
        return before - ((from_excess - area) / from_room) ** 2 - ((to_excess + area) / to_room) ** 2
