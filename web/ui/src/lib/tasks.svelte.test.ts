import { beforeEach, describe, expect, it, vi } from 'vitest'
import { FakeSocket, holdCalls, last, task } from '../testing/server'
import { percentOf, Tasks } from './tasks.svelte'

let tasks: Tasks
let told: [string, boolean][]

beforeEach(() => {
  told = []
  tasks = new Tasks((one, ended) => told.push([one.id, ended]))
})

const states = () => tasks.list.map((one) => `${one.id} ${one.status} ${one.progress.done}`)

describe('tasks', () => {
  it('begin as the server tells them, which is no news', () => {
    tasks.receive({ tasks: [task('b', 'processing', 3), task('a', 'succeeded', 10)] })
    expect([states(), told]).toEqual([['b processing 3', 'a succeeded 10'], []])
    expect(tasks.running.map((one) => one.id)).toEqual(['b'])
  })

  it('change, and end once', () => {
    tasks.receive({ tasks: [task('a', 'processing')] })
    tasks.receive({ task: task('b', 'enqueued') })
    tasks.receive({ task: task('a', 'processing', 5) })
    tasks.receive({ task: task('a', 'succeeded', 10) })
    tasks.receive({ task: task('a', 'succeeded', 10) })
    expect(states()).toEqual(['b enqueued 0', 'a succeeded 10'])
    expect(told).toEqual([['b', false], ['a', false], ['a', true], ['a', false]])
  })

  it('that ended while nobody listened are news', () => {
    tasks.receive({ tasks: [task('a', 'processing'), task('done', 'failed')] })
    tasks.receive({ tasks: [task('short', 'succeeded'), task('b', 'processing'), task('a', 'canceled'), task('done', 'failed')] })
    expect(told).toEqual([['short', true], ['b', false], ['a', true]])
  })

  it('are not set back by the answer to their creation', () => {
    tasks.receive({ tasks: [] })
    tasks.receive({ task: task('a', 'succeeded', 10) })
    tasks.add(task('a', 'enqueued'))
    expect(states()).toEqual(['a succeeded 10'])
    tasks.add(task('b', 'enqueued'))
    expect(states()).toEqual(['b enqueued 0', 'a succeeded 10'])
  })

  it('come over a socket, or are asked for', async () => {
    vi.stubGlobal('WebSocket', FakeSocket)
    const calls = holdCalls()
    tasks.live.start()
    last(FakeSocket.all).onclose?.()
    expect(last(calls).url).toBe('/api/v1/tasks')
    await last(calls).answer({ tasks: [task('a', 'processing', 1)] })
    tasks.live.stop()
    expect(states()).toEqual(['a processing 1'])
    expect(last(FakeSocket.all).url).toBe('ws://localhost:3000/api/v1/tasks/events')
  })

  it('are so far', () => {
    expect(percentOf(undefined)).toBeUndefined()
    expect(percentOf(task('a', 'processing', 5))).toBe(50)
    expect(percentOf({ ...task('a', 'enqueued'), progress: { ...task('a', 'enqueued').progress, total: 0 } })).toBeUndefined()
  })
})
