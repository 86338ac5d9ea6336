import { describe, expect, it } from 'vitest'
import { formatConditions, parseConditions, conditionFor } from './filter'
import { apiURL, emptyView, pageAt, pageURL, parseView, paths, type View } from './url'

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
    const { pathname, search } = new URL(pageURL.search(view), 'http://here')
    expect(pageAt(pathname)).toBe('search')
    expect(parseView(search)).toEqual(view)
  })

  it('is short when there is nothing to say', () => {
    expect(pageURL.search(emptyView)).toBe('/')
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
    expect(conditionFor('photo date', 'x', false)).toEqual({ field: 'photo date', op: 'eq', value: 'x' })
    expect(conditionFor('größe', 3, false)).toEqual({ field: 'größe', op: 'eq', value: 3 })
    expect(conditionFor('a.b', 'x', false)).toEqual({ field: '`a.b`', op: 'eq', value: 'x' })
    expect(conditionFor('`a', 'x', false)).toEqual({ field: '```a`', op: 'eq', value: 'x' })
    expect(conditionFor('a"b', 'x', false)).toBeUndefined()
    expect(conditionFor('写'.repeat(65), 'x', false)).toBeUndefined()
    expect(conditionFor('id', Number('9007199254740993'), false)).toBeUndefined()
    expect(conditionFor('a', { x: 1 }, false)).toBeUndefined()
    expect(conditionFor('a', null, false)).toBeUndefined()
  })
})

describe('URLs', () => {
  it('name every page by its path, and the first one by any other', () => {
    for (const [name, path] of Object.entries(paths)) expect(pageAt(path)).toBe(name)
    expect(pageAt('/nowhere')).toBe('search')
  })

  it('escape what they are given', () => {
    expect(apiURL.thumbnail('a/b', '?#', 64)).toBe('/api/v1/collections/a%2Fb/images/%3F%23/thumbnail?size=64')
    expect(apiURL.search('c', { q: '&=', filter: '', cursor: undefined })).toBe('/api/v1/collections/c/search?q=%26%3D&group=content')
    expect(apiURL.jobEvents()).toBe('ws://localhost:3000/api/v1/jobs/events')
  })

  // Every other file asks url.ts for URLs, and router.svelte.ts for where the browser is.
  const sources = import.meta.glob<string>(['../**/*.{ts,svelte}', '!**/*.test.ts', '!**/*.gen.ts'], { query: '?raw', import: 'default', eager: true })
  const home = /\/(url\.ts|router\.svelte\.ts)$/
  const built = /\/api\/|\/v1\b|openapi\.json|\bURLSearchParams\b|encodeURIComponent|\bnew URL\(|\blocation\b|\bhistory\.|`\/|href="(?!#)|['"`]\?[\w$]+=/

  it('are built in one place', () => {
    expect(Object.keys(sources).length).toBeGreaterThan(20)
    expect(Object.keys(sources).filter((file) => home.test(file)).length).toBe(2)
    const guilty = Object.entries(sources).filter(([file]) => !home.test(file)).flatMap(([file, text]) =>
      text.split('\n').filter((line) => built.test(line)).map((line) => `${file}: ${line.trim()}`))
    expect(guilty).toEqual([])
  })

  it.each(['fetch(`/api/v1/jobs`)', "'/v1/info'", 'href="/openapi.json"', "'?size=' + size", 'location.search', 'new URLSearchParams()', '`/collections/${name}`'])(
    'would be found elsewhere: %s', (line) => expect(line).toMatch(built),
  )
})
