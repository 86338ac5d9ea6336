import { beforeEach, describe, expect, it, vi } from 'vitest'
import { collection, holdCalls, info, last, type Call } from '../testing/server'
import { Collections } from './collections.svelte'

let calls: Call[]
let collections: Collections

beforeEach(() => {
  calls = holdCalls()
  collections = new Collections()
})

const listed = (...names: string[]) => ({ collections: names.map((name) => collection(name)) })
const names = () => collections.list?.map((one) => one.name)

/** call is the n-th request for a path. */
function call(path: string, n = 0): Call {
  const found = calls.filter((one) => one.url === `/api/v1/${path}`)[n]
  if (!found) throw new Error(`${path} was not asked ${n + 1} times`)
  return found
}

describe('collections', () => {
  it('are unknown until both answers are there', async () => {
    const loaded = collections.load()
    expect([collections.list, collections.first]).toEqual([undefined, ''])
    await call('info').answer(info('demo'))
    expect(collections.list).toBeUndefined()
    await call('collections').answer(listed('a', 'demo'))
    await loaded
    expect([names(), collections.first, collections.limited]).toEqual([['a', 'demo'], 'demo', true])
    expect(collections.named('a')?.images).toBe(100)
  })

  it.each([
    [undefined, ['b', 'a'], 'b'],
    ['gone', ['b', 'a'], 'b'],
    ['a', ['b', 'a'], 'a'],
    [undefined, [], ''],
  ])('begin with the demo or the first: %s of %s', (demo, known, first) => {
    collections.info = info(demo)
    collections.list = known.map((name) => collection(name))
    expect(collections.first).toBe(first)
  })

  it('say why they cannot be asked, until they can', async () => {
    void collections.load()
    await call('info').fail()
    expect(collections.problem?.message).toContain('does not answer')
    void collections.load()
    expect(collections.problem).toBeUndefined()
    await call('info', 1).answer({ title: 'Service Unavailable', detail: 'starting' }, 503)
    expect([collections.problem?.status, collections.problem?.message]).toEqual([503, 'starting'])
  })

  it('drop an older answer that arrives after a newer one', async () => {
    const first = collections.look(true)
    const second = collections.look(true)
    await call('collections', 1).answer(listed('old', 'new'))
    await call('collections', 0).answer(listed('old'))
    expect([await first, await second]).toEqual([true, true])
    expect(names()).toEqual(['old', 'new'])
  })

  it('keep what loading says of the server although a newer list is there', async () => {
    const loaded = collections.load()
    void collections.look(true)
    await call('collections', 1).answer(listed('old', 'new'))
    await call('collections', 0).answer(listed('old'))
    await call('info').answer(info('old'))
    await loaded
    expect([names(), collections.first]).toEqual([['old', 'new'], 'old'])
  })

  it('are looked at now and then only, unless it is urgent', async () => {
    vi.useFakeTimers({ now: 1_000_000 })
    const answers = [collections.look(false), collections.look(false), collections.look(true)]
    expect(calls.length).toBe(2)
    for (const one of calls) await one.answer(listed('a'))
    expect(await Promise.all(answers)).toEqual([true, false, true])
    vi.advanceTimersByTime(2999)
    expect(await collections.look(false)).toBe(false)
    vi.advanceTimersByTime(1)
    void collections.look(false)
    expect(calls.length).toBe(3)
    vi.useRealTimers()
  })

  it('stay as they are when looking fails', async () => {
    collections.list = [collection('a')]
    const looked = collections.look(true)
    await last(calls).fail()
    expect([await looked, names(), collections.problem]).toEqual([false, ['a'], undefined])
  })
})
