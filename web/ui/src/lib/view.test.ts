import { describe, expect, it } from 'vitest'
import { formatConditions, parseConditions, conditionFor } from './filter'
import { emptyView, formatView, parseView, type View } from './view'

const views: View[] = [
  emptyView,
  { ...emptyView, q: 'рыба & чипсы = 100 %?' },
  { ...emptyView, q: 'قارب', collection: 'demo' },
  { ...emptyView, like: '0123456789abcdef', open: 'fedcba9876543210' },
  { ...emptyView, q: 'x', filter: [{ field: 'group', op: 'eq', value: 'animals' }] },
  {
    ...emptyView, q: '鱼', collection: 'a-b_c',
    filter: [{ field: 'tags', op: 'contains', value: '"&=#' }, { field: 'year', op: 'eq', value: 1999 }, { field: 'ok', op: 'eq', value: true }],
  },
]

describe('view', () => {
  it.each(views)('survives the URL: %j', (view) => {
    expect(parseView(formatView(view))).toEqual(view)
  })

  it('is short when there is nothing to say', () => {
    expect(formatView(emptyView)).toBe('')
  })

  it.each(['?', '?unknown=1', '?filter=%7B', '?filter=null', '?filter=%5B1%5D', '?filter={"field":1,"eq":2}', '?q=%'])(
    'ignores nonsense: %s', (search) => {
      expect(parseView(search).filter).toEqual([])
    },
  )
})

describe('conditions', () => {
  it('writes the form that the API reads', () => {
    expect(formatConditions([])).toBe('')
    expect(formatConditions([{ field: 'group', op: 'eq', value: 'a' }])).toBe('{"field":"group","eq":"a"}')
    expect(formatConditions([{ field: 'a', op: 'eq', value: 1 }, { field: 'b', op: 'contains', value: 'x' }])).toBe(
      '{"and":[{"field":"a","eq":1},{"field":"b","contains":"x"}]}',
    )
  })

  it('leaves out what a link may not carry', () => {
    expect(parseConditions('{"and":[{"field":"a","eq":1},{"field":"a","lt":1},{"not":{}},7]}')).toEqual([
      { field: 'a', op: 'eq', value: 1 },
    ])
  })

  it('is offered only for values that can be found again', () => {
    expect(conditionFor('tags', 'fish', true)).toEqual({ field: 'tags', op: 'contains', value: 'fish' })
    expect(conditionFor('year', 1999, false)).toEqual({ field: 'year', op: 'eq', value: 1999 })
    expect(conditionFor('a b', 'x', false)).toBeUndefined()
    expect(conditionFor('a', { x: 1 }, false)).toBeUndefined()
    expect(conditionFor('a', null, false)).toBeUndefined()
  })
})
