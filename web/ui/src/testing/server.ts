import { vi } from 'vitest'
import type { Collection, Info, Job } from '../lib/api'

/** Call is a request that waits until a test answers it, in whatever order; aborting it comes too late. */
export interface Call {
  url: string
  method: string
  signal: AbortSignal | undefined
  answer: (body: unknown, status?: number) => Promise<void>
  fail: () => Promise<void>
}

/** Held is a promise that the test keeps. */
export interface Held<T> {
  promise: Promise<T>
  keep: (value: T) => Promise<void>
  fail: () => Promise<void>
}

export function hold<T>(): Held<T> {
  let resolve: (value: T) => void = () => undefined
  let reject: (error: Error) => void = () => undefined
  const promise = new Promise<T>((yes, no) => {
    resolve = yes
    reject = no
  })
  return {
    promise,
    keep: (value) => (resolve(value), settled()),
    fail: () => (reject(new TypeError('no connection')), settled()),
  }
}

/** holdCalls stands for the server, and collects what it is asked. */
export function holdCalls(): Call[] {
  const calls: Call[] = []
  vi.stubGlobal('fetch', (url: string, init: RequestInit = {}) => {
    const { promise, keep, fail } = hold<Response>()
    calls.push({
      url, method: init.method ?? 'GET', signal: init.signal ?? undefined, fail,
      answer: (body, status = 200) => keep({ ok: status < 400, status, json: () => Promise.resolve(body) } as Response),
    })
    return promise
  })
  return calls
}

/** last is the newest call; a test that finds none fails. */
export function last<T>(all: T[]): T {
  const one = all.at(-1)
  if (one === undefined) throw new Error('nothing was asked')
  return one
}

/** settled waits until what was answered has been dealt with, without passing time. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve()
}

/** FakeSocket stands for a WebSocket whose other end the test is. */
export class FakeSocket {
  static all: FakeSocket[] = []
  onopen: (() => void) | undefined
  onmessage: ((event: { data: string }) => void) | undefined
  onclose: (() => void) | undefined
  readonly url: string

  constructor(url: string) {
    this.url = url
    FakeSocket.all.push(this)
  }

  /** close reports the end late, as browsers do: the test calls onclose. */
  close = vi.fn()

  send(news: unknown): void {
    this.onmessage?.({ data: JSON.stringify(news) })
  }
}

export const collection = (name: string, images = 100): Collection => ({
  name, images, searchable: true, model: 'm', created: '2026-01-02T03:04:05Z',
})

export const info = (demo?: string): Info => ({
  version: 'test', folders: true, access: { scopes: ['search', 'index', 'train', 'admin'], session: false }, ...(demo ? { demo } : {}),
  model: { name: 'mini', fingerprint: 'f', dimension: 2, max_num_patches: 0, bundled: true },
})

export const job = (id: string, state: Job['state'], done = 0): Job => ({
  id, state, kind: 'index', sequence: 1, collection: 'demo', source: { directory: '/pictures' }, failures: [], warnings: [], created: '2026-01-02T03:04:05Z',
  progress: { total: 10, done, indexed: done, unchanged: 0, removed: 0, withheld: 0, failed: 0, rate: 1, seconds_left: 1,
    files: { seen: done, others: {}, metadata: 0, excluded: {}, unusable: {}, warnings: {} } },
})
