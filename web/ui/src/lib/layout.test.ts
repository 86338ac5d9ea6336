import { describe, expect, it } from 'vitest'
import { aspectOf, heightOf, justify, neighbour, visibleRows } from './layout'

const options = { width: 1000, target: 200, gap: 10 }

/** A small generator of repeatable numbers in 0 to 1. */
function* numbers(seed: number): Generator<number, never> {
  for (;;) {
    seed = (seed * 1103515245 + 12345) % 2147483648
    yield seed / 2147483648
  }
}

function aspects(count: number, seed: number): number[] {
  const random = numbers(seed)
  return Array.from({ length: count }, () => 0.4 + 2.6 * random.next().value)
}

describe('justify', () => {
  it('places every picture once and in order', () => {
    for (let seed = 1; seed < 30; seed++) {
      const rows = justify(aspects(57, seed), options)
      expect(rows.flatMap((row) => row.boxes.map((box) => box.index))).toEqual([...Array(57).keys()])
    }
  })

  it('fills the width exactly in all rows but the last', () => {
    for (let seed = 1; seed < 30; seed++) {
      for (const row of justify(aspects(57, seed), options).slice(0, -1)) {
        const last = row.boxes.at(-1)
        expect(last && last.left + last.width).toBeCloseTo(options.width, 6)
      }
    }
  })

  it('keeps the aspects and stays near the target', () => {
    const given = aspects(80, 7)
    const rows = justify(given, options)
    for (const row of rows) {
      for (const box of row.boxes) expect(box.width / row.height).toBeCloseTo(given[box.index] ?? 0, 9)
    }
    for (const row of rows.slice(0, -1)) {
      expect(row.height).toBeGreaterThan(options.target * 0.6)
      expect(row.height).toBeLessThan(options.target * 1.6)
    }
  })

  it('does not stretch the last row', () => {
    expect(justify([1], options)[0]?.height).toBe(options.target)
  })

  it('knows no rows without width or pictures', () => {
    expect(justify([1, 1], { ...options, width: 0 })).toEqual([])
    expect(justify([], options)).toEqual([])
    expect(heightOf([])).toBe(0)
  })

  it('shrinks a picture that is wider than the window', () => {
    const rows = justify([3, 3], { width: 300, target: 200, gap: 10 })
    expect(rows.map((row) => row.boxes.length)).toEqual([1, 1])
    expect(rows[0]?.height).toBeCloseTo(100)
  })
})

describe('aspectOf', () => {
  it('is a square for unknown sizes and stays within bounds', () => {
    expect(aspectOf(undefined, undefined)).toBe(1)
    expect(aspectOf(0, 10)).toBe(1)
    expect(aspectOf(1000, 10)).toBe(3)
    expect(aspectOf(10, 1000)).toBe(0.4)
    expect(aspectOf(300, 200)).toBe(1.5)
  })
})

describe('neighbour', () => {
  const rows = justify(Array(10).fill(1) as number[], { width: 420, target: 100, gap: 10 }) // 4, 4, 2

  it.each([
    ['ArrowRight', 0, 1], ['ArrowLeft', 0, 0], ['ArrowLeft', 4, 3], ['ArrowDown', 1, 5], ['ArrowDown', 7, 9],
    ['ArrowUp', 9, 5], ['ArrowUp', 2, 2], ['ArrowDown', 9, 9], ['Home', 6, 0], ['End', 1, 9], ['x', 3, 3],
  ])('%s from %i leads to %i', (key, from, to) => {
    expect(neighbour(rows, from, key)).toBe(to)
  })

  it('survives a tile that is gone', () => {
    expect(neighbour(rows, 99, 'ArrowLeft')).toBe(0)
  })
})

describe('visibleRows', () => {
  it('keeps the rows that touch the span', () => {
    const rows = justify(Array(40).fill(1) as number[], { width: 420, target: 100, gap: 10 })
    const shown = visibleRows(rows, 230, 425)
    expect(shown.every((row) => row.top <= 425 && row.top + row.height >= 230)).toBe(true)
    expect(shown.length).toBe(2)
  })
})
