/** Box is where one tile lies, in pixels from the grid's upper start corner. */
export interface Box {
  index: number
  left: number
  width: number
}

/** Row is one line of tiles of the same height. */
export interface Row {
  top: number
  height: number
  boxes: Box[]
}

export interface LayoutOptions {
  width: number
  target: number // wished height of a row
  gap: number
}

const minAspect = 0.4
const maxAspect = 3

/** aspectOf is width by height, within what a grid can show. */
export function aspectOf(width: number | undefined, height: number | undefined): number {
  if (!width || !height) return 1
  return Math.min(maxAspect, Math.max(minAspect, width / height))
}

/**
 * justify sets pictures of the given aspects into rows that fill the width
 * exactly and whose heights stay close to the target. The last row is not
 * stretched.
 */
export function justify(aspects: number[], options: LayoutOptions): Row[] {
  const rows: Row[] = []
  if (options.width <= 0) return rows
  let top = 0
  for (let start = 0; start < aspects.length; ) {
    const row = nextRow(aspects, start, options)
    rows.push(placeRow(aspects, start, row.count, row.height, top, options))
    top += row.height + options.gap
    start += row.count
  }
  return rows
}

/** nextRow takes pictures while that brings the height closer to the target. */
function nextRow(aspects: number[], start: number, options: LayoutOptions): { count: number; height: number } {
  let sum = 0
  let before = Infinity
  for (let count = 1; start + count <= aspects.length; count++) {
    sum += aspects[start + count - 1] ?? 1
    const height = (options.width - (count - 1) * options.gap) / sum
    if (height <= options.target) {
      const closer = count > 1 && before - options.target < options.target - height
      return closer ? { count: count - 1, height: before } : { count, height }
    }
    before = height
  }
  return { count: aspects.length - start, height: Math.min(before, options.target) }
}

function placeRow(
  aspects: number[], start: number, count: number, height: number, top: number, options: LayoutOptions,
): Row {
  const boxes: Box[] = []
  let left = 0
  for (let index = start; index < start + count; index++) {
    const width = (aspects[index] ?? 1) * height
    boxes.push({ index, left, width })
    left += width + options.gap
  }
  return { top, height, boxes }
}

export function heightOf(rows: Row[]): number {
  const last = rows.at(-1)
  return last ? last.top + last.height : 0
}

/** visibleRows are those that touch the span from top to bottom. */
export function visibleRows(rows: Row[], top: number, bottom: number): Row[] {
  return rows.filter((row) => row.top + row.height >= top && row.top <= bottom)
}

/** neighbour is the tile that an arrow key leads to from index. */
export function neighbour(rows: Row[], index: number, key: string): number {
  const count = rows.reduce((sum, row) => sum + row.boxes.length, 0)
  const at = rows.findIndex((row) => row.boxes.some((box) => box.index === index))
  const row = rows[at]
  if (!row) return 0
  switch (key) {
    case 'ArrowRight':
      return Math.min(index + 1, count - 1)
    case 'ArrowLeft':
      return Math.max(index - 1, 0)
    case 'Home':
      return 0
    case 'End':
      return count - 1
    case 'ArrowUp':
      return nearest(row, index, rows[at - 1])
    case 'ArrowDown':
      return nearest(row, index, rows[at + 1])
  }
  return index
}

/** nearest is the box of another row whose middle is closest. */
function nearest(row: Row, index: number, other: Row | undefined): number {
  if (!other) return index
  const middle = (box: Box) => box.left + box.width / 2
  const from = row.boxes.find((box) => box.index === index)
  if (!from) return index
  const best = other.boxes.reduce((a, b) =>
    Math.abs(middle(b) - middle(from)) < Math.abs(middle(a) - middle(from)) ? b : a)
  return best.index
}
