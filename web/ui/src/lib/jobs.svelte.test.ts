import { beforeEach, describe, expect, it, vi } from 'vitest'
import type { Job } from './api'
import { FakeSocket, holdCalls, last, job } from '../testing/server'
import { besides, checkFacts, fileFacts, findingFacts, isLatest, percentOf, subjectOf, Jobs } from './jobs.svelte'

let jobs: Jobs
let told: [string, boolean][]

beforeEach(() => {
  told = []
  jobs = new Jobs((one, ended) => told.push([one.id, ended]))
})

const states = () => jobs.list.map((one) => `${one.id} ${one.state} ${one.progress.done}`)

describe('jobs', () => {
  it('begin as the server tells them, which is no news', () => {
    jobs.receive({ jobs: [job('b', 'running', 3), job('a', 'succeeded', 10)] })
    expect([states(), told]).toEqual([['b running 3', 'a succeeded 10'], []])
    expect(jobs.active.map((one) => one.id)).toEqual(['b'])
  })

  it('change, and end once', () => {
    jobs.receive({ jobs: [job('a', 'running')] })
    jobs.receive({ job: job('b', 'queued') })
    jobs.receive({ job: job('a', 'running', 5) })
    jobs.receive({ job: job('a', 'succeeded', 10) })
    jobs.receive({ job: job('a', 'succeeded', 10) })
    expect(states()).toEqual(['b queued 0', 'a succeeded 10'])
    expect(told).toEqual([['b', false], ['a', false], ['a', true], ['a', false]])
  })

  it('that ended while nobody listened are news', () => {
    jobs.receive({ jobs: [job('a', 'running'), job('done', 'failed')] })
    jobs.receive({ jobs: [job('short', 'succeeded'), job('b', 'running'), job('a', 'canceled'), job('done', 'failed')] })
    expect(told).toEqual([['short', true], ['b', false], ['a', true]])
  })

  it('are not set back by the answer to their creation', () => {
    jobs.receive({ jobs: [] })
    jobs.receive({ job: job('a', 'succeeded', 10) })
    jobs.add(job('a', 'queued'))
    expect(states()).toEqual(['a succeeded 10'])
    jobs.add(job('b', 'queued'))
    expect(states()).toEqual(['b queued 0', 'a succeeded 10'])
  })

  it('come over a socket, or are asked for', async () => {
    vi.stubGlobal('WebSocket', FakeSocket)
    const calls = holdCalls()
    jobs.live.start()
    last(FakeSocket.all).onclose?.()
    expect(last(calls).url).toBe('/api/v1/jobs')
    await last(calls).answer({ jobs: [job('a', 'running', 1)] })
    jobs.live.stop()
    expect(states()).toEqual(['a running 1'])
    expect(last(FakeSocket.all).url).toBe('ws://localhost:3000/api/v1/jobs/events')
  })

  it('are so far', () => {
    expect(percentOf(undefined)).toBeUndefined()
    expect(percentOf(job('a', 'running', 5))).toBe(50)
    expect(percentOf({ ...job('a', 'queued'), progress: { ...job('a', 'queued').progress, total: 0 } })).toBeUndefined()
  })
})

describe('subjectOf', () => {
  it('names what jobs of every kind work on', () => {
    const of = (kind: Job['kind'], more: Partial<Job> = {}): string => {
      const { source, ...rest } = job('1', 'running')
      return subjectOf({ ...rest, kind, ...(kind === 'index' && source ? { source } : {}), ...more })
    }
    expect(of('index')).toBe('/pictures')
    expect(of('model', { model: 'other' })).toBe('Model other')
    expect(of('train')).toBe('Training')
    expect(of('check')).toBe('Check of the index')
    expect(of('repair')).toBe('Repair of the index')
    expect(of('rebuild')).toBe('Rebuild of the index')
  })
})

describe('isLatest', () => {
  it('holds for the first of a list with its folder and collection', () => {
    const of = (id: string, directory: string, more: Partial<Job> = {}): Job => ({ ...job(id, 'failed'), source: { directory }, ...more })
    const list = [of('5', '/b'), of('4', '/a'), of('3', '/a', { collection: 'other' }), of('2', '/a'), of('1', '/b')]
    expect(list.filter((one) => isLatest(one, list)).map((one) => one.id)).toEqual(['5', '4', '3'])
  })
})

describe('checkFacts', () => {
  it('tells what was found and done', () => {
    const right = { images: 9, missing: 0, extra: 0, outdated: 0, repaired: 0 }
    expect(checkFacts(right)).toEqual(['the index agrees'])
    expect(checkFacts({ ...right, missing: 2, outdated: 1 })).toEqual(['2 missing', '1 outdated'])
    expect(checkFacts({ ...right, extra: 1, repaired: 1 })).toEqual(['1 extra', '1 rows repaired'])
    const lost = { kind: 'original-missing', words: 'sent pictures whose files are gone', count: 2, repaired: 0, harmless: false, examples: [] }
    expect(findingFacts([lost])).toEqual(['2 sent pictures whose files are gone'])
    expect(findingFacts(undefined)).toEqual([])
  })
})

describe('files', () => {
  const files = { seen: 9, others: { 'JPEG XL': 1, video: 3 }, metadata: 2, excluded: { '@eaDir': 1 }, unusable: { link: 1 }, warnings: { incomplete: 1 } }

  it('besides pictures are named by what they are, the most first', () => {
    expect(fileFacts(files)).toEqual([
      '4 files are no pictures that Polylens reads: 3 video, 1 JPEG XL', '2 files with metadata or rules', '1 file or folder left out by rules: 1 @eaDir',
      '1 file or folder not used: 1 link not followed', '1 warning: 1 picture of which a part is missing',
    ])
    expect(besides(files)).toBe(9)
  })

  it('that are all pictures need no words', () => {
    expect(fileFacts({ seen: 3, others: {}, metadata: 0, excluded: {}, unusable: {}, warnings: {} })).toEqual([])
  })
})
