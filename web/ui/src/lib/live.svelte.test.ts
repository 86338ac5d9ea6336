import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { FakeSocket, hold, last } from '../testing/server'
import { Live } from './live.svelte'

let live: Live<string>
let received: string[]
let polls: { signal: AbortSignal; answer: (news: string) => Promise<void>; fail: () => Promise<void> }[]

beforeEach(() => {
  vi.useFakeTimers()
  vi.stubGlobal('WebSocket', FakeSocket)
  FakeSocket.all = []
  received = []
  polls = []
  live = new Live<string>({ url: () => 'ws://here/events', receive: (news) => received.push(news), poll })
  live.start()
})
afterEach(() => {
  live.stop()
  vi.useRealTimers()
})

function poll(signal: AbortSignal): Promise<string> {
  const { promise, keep, fail } = hold<string>()
  polls.push({ signal, answer: keep, fail })
  return promise
}

const socket = () => last(FakeSocket.all)

/** waits tells how long it takes until the next attempt to connect. */
function waits(): number {
  const before = FakeSocket.all.length
  for (let ms = 0; ms <= 60_000; ms += 100) {
    if (FakeSocket.all.length > before) return ms
    vi.advanceTimersByTime(100)
  }
  return Infinity
}

describe('live news', () => {
  it('arrive as the socket tells them', () => {
    expect([socket().url, live.connected]).toEqual(['ws://here/events', false])
    socket().onopen?.()
    expect(live.connected).toBe(true)
    socket().send('all')
    socket().send('one')
    expect([received, polls.length]).toEqual([['all', 'one'], 0])
  })

  it('come from a new socket after one was dropped', () => {
    socket().onopen?.()
    socket().send('all')
    socket().onclose?.()
    expect(live.connected).toBe(false)
    expect(waits()).toBe(500)
    socket().onopen?.()
    socket().send('all again')
    expect([live.connected, received, polls.length]).toEqual([true, ['all', 'all again'], 0])
  })

  it('are waited for longer and longer, and shortly again after one arrived', async () => {
    const waited: number[] = []
    for (let attempt = 0; attempt < 8; attempt++) {
      socket().onclose?.()
      await last(polls).fail()
      waited.push(waits())
    }
    expect(waited).toEqual([500, 1000, 2000, 4000, 8000, 15_000, 15_000, 15_000])
    socket().onopen?.()
    socket().onclose?.()
    expect(waits()).toBe(15_000) // a socket that opens and tells nothing is no success
    socket().onopen?.()
    socket().send('all')
    socket().onclose?.()
    expect(waits()).toBe(500)
  })

  it('are asked for while no socket opens, and soon again', async () => {
    for (let attempt = 0; attempt < 10; attempt++) {
      socket().onclose?.()
      await last(polls).answer(`state ${attempt}`)
      expect(waits()).toBeLessThanOrEqual(3000)
    }
    expect(received).toEqual(polls.map((_, n) => `state ${n}`))
  })

  it('are not undone by an older answer', async () => {
    socket().onclose?.()
    const asked = last(polls)
    vi.advanceTimersByTime(500)
    socket().onopen?.()
    socket().send('new')
    expect(asked.signal.aborted).toBe(true)
    await asked.answer('old')
    expect(received).toEqual(['new'])
  })

  it('are asked for once at a time', async () => {
    socket().onclose?.()
    const slow = last(polls)
    vi.advanceTimersByTime(500)
    socket().onclose?.()
    await last(polls).answer('new')
    await slow.answer('old')
    expect(received).toEqual(['new'])
  })

  it('end when they are stopped', async () => {
    socket().onclose?.()
    const asked = last(polls)
    live.stop()
    await asked.answer('late')
    expect([received, waits()]).toEqual([[], Infinity])
  })

  it('of a socket that was given up do not count', () => {
    const given = socket()
    given.onopen?.()
    live.stop()
    expect([given.close.mock.calls.length, live.connected]).toEqual([1, false])
    live.start()
    socket().onopen?.()
    given.send('late')
    given.onclose?.()
    expect([received, live.connected, waits()]).toEqual([[], true, Infinity])
  })
})
