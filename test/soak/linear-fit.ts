export interface Point {
  readonly x: number
  readonly y: number
}

/** The slope of the straight line that is nearest to the points by least squares; 0 for fewer than two. */
export function slopeOf(points: readonly Point[]): number {
  const [x, y] = [meanOf(points, 'x'), meanOf(points, 'y')]
  const spread = points.reduce((sum, point) => sum + (point.x - x) ** 2, 0)
  return spread === 0 || points.length < 2 ? 0 : points.reduce((sum, point) => sum + (point.x - x) * (point.y - y), 0) / spread
}

/** The standard error of {@link slopeOf}; Infinity for fewer than three points, which tell nothing of it. */
export function slopeErrorOf(points: readonly Point[]): number {
  if (points.length < 3) return Infinity
  const slope = slopeOf(points)
  const [x, y] = [meanOf(points, 'x'), meanOf(points, 'y')]
  const residual = points.reduce((sum, point) => sum + (point.y - y - slope * (point.x - x)) ** 2, 0)
  const spread = points.reduce((sum, point) => sum + (point.x - x) ** 2, 0)
  return Math.sqrt(residual / (points.length - 2) / spread)
}

/** The points in that many parts of their order, a mean point for each: neighbours that are alike count as one. Fewer than that stay as they are. */
export function meansOf(points: readonly Point[], parts: number): readonly Point[] {
  if (points.length <= parts) return points
  const at = (part: number) => Math.floor((part * points.length) / parts)
  return Array.from({ length: parts }, (_, part) => points.slice(at(part), at(part + 1))).map((some) => ({ x: meanOf(some, 'x'), y: meanOf(some, 'y') }))
}

function meanOf(points: readonly Point[], key: keyof Point): number {
  return points.reduce((sum, point) => sum + point[key], 0) / points.length
}
