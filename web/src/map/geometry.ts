/** The little plane geometry that labels need. */

export type Ring = readonly (readonly [number, number])[];

/** The area inside a ring, positive when it runs clockwise with y downwards, as outer rings of tiles do. */
export function signedArea(ring: Ring): number {
  let sum = 0;
  for (let i = 0, j = ring.length - 1; i < ring.length; j = i++) {
    const [ax, ay] = ring[j]!;
    const [bx, by] = ring[i]!;
    sum += ax * by - bx * ay;
  }
  return sum / 2;
}

/** A point well inside a ring: the best of a net of points, then of finer nets around the best, by distance to the edge. */
export function labelPoint(ring: Ring): [number, number] {
  const xs = ring.map(([x]) => x);
  const ys = ring.map(([, y]) => y);
  let [left, top] = [Math.min(...xs), Math.min(...ys)];
  let [width, height] = [Math.max(...xs) - left, Math.max(...ys) - top];
  let best: [number, number] = [left + width / 2, top + height / 2];
  let depth = insideDepth(best, ring);
  for (let round = 0; round < 4; round++) {
    for (let i = 0; i <= 8; i++) {
      for (let j = 0; j <= 8; j++) {
        const point: [number, number] = [left + (width * i) / 8, top + (height * j) / 8];
        const found = insideDepth(point, ring);
        if (found > depth) [best, depth] = [point, found];
      }
    }
    [width, height] = [width / 4, height / 4];
    [left, top] = [best[0] - width / 2, best[1] - height / 2];
  }
  return best;
}

/** The distance from a point to a ring, negative outside it. */
export function insideDepth([x, y]: readonly [number, number], ring: Ring): number {
  let inside = false;
  let nearest = Number.POSITIVE_INFINITY;
  for (let i = 0, j = ring.length - 1; i < ring.length; j = i++) {
    const [ax, ay] = ring[j]!;
    const [bx, by] = ring[i]!;
    if (ay > y !== by > y && x < ((bx - ax) * (y - ay)) / (by - ay) + ax) inside = !inside;
    const [dx, dy] = [bx - ax, by - ay];
    const along = Math.max(0, Math.min(1, ((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy || 1)));
    nearest = Math.min(nearest, Math.hypot(x - ax - along * dx, y - ay - along * dy));
  }
  return inside ? nearest : -nearest;
}
