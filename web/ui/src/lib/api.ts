import type { components } from './api.gen'
import { apiURL, type SearchParams } from './url'

type Schemas = components['schemas']
export type Collection = Schemas['Collection']
export type Image = Schemas['Image']
export type FullImage = Schemas['FullImage']
export type Hit = Schemas['Hit']
export type Job = Schemas['Job']
export type Info = Schemas['Info']
export type Access = Schemas['Access']
export type Files = Schemas['Files']
export type IndexOrder = Schemas['IndexOrder']

/** Problem is an answer that is not a success (RFC 9457). */
export class Problem extends Error {
  readonly status: number
  readonly type: string

  constructor(status: number, type: string, detail: string) {
    super(detail)
    this.status = status
    this.type = type
  }

  /** of makes a problem of whatever was thrown. */
  static of(error: unknown): Problem {
    return error instanceof Problem ? error : new Problem(0, '', String(error))
  }
}

/** unauthorized is called when the server asks for a key, or for another one. */
let unauthorized = (): void => undefined
export function whenUnauthorized(call: () => void): void {
  unauthorized = call
}

async function request<T>(url: string, init: RequestInit = {}): Promise<T> {
  let response: Response
  try {
    response = await fetch(url, init)
  } catch (error) {
    if (init.signal?.aborted) throw error
    throw new Problem(0, 'offline', 'Polylens does not answer. Is it still running?')
  }
  if (response.ok) return response.status === 204 ? (undefined as T) : ((await response.json()) as T)
  if (response.status === 401 && url !== apiURL.session()) unauthorized()
  throw await problemOf(response)
}

async function problemOf(response: Response): Promise<Problem> {
  try {
    const body = (await response.json()) as { type?: string; title?: string; detail?: string; errors?: { message?: string }[] }
    const causes = (body.errors ?? []).map((error) => error.message).filter(Boolean)
    const detail = causes.length > 0 ? causes.join('; ') : (body.detail ?? body.title ?? '')
    return new Problem(response.status, body.type ?? '', detail)
  } catch {
    return new Problem(response.status, '', `The server answered ${response.status}.`)
  }
}

/** Page is one page of images; hits carry a score and their copies. */
export interface Page {
  items: (Image & Partial<Pick<Hit, 'score' | 'copies' | 'copy_count'>>)[]
  next: string | undefined
}

type Hits = { hits: Hit[]; next?: string }

/** api are the calls of the server's API. A call that does not succeed throws a Problem. */
export const api = {
  signIn: (key: string) =>
    request<Access>(apiURL.session(), { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ key }) }),

  signOut: () => request<void>(apiURL.session(), { method: 'DELETE' }),

  info: () => request<Info>(apiURL.info()),

  collections: async () => (await request<{ collections: Collection[] }>(apiURL.collections())).collections,

  async images(collection: string, cursor: string | undefined, signal: AbortSignal): Promise<Page> {
    const page = await request<{ images: Image[]; next?: string }>(apiURL.images(collection, { cursor, limit: 60 }), { signal })
    return { items: page.images, next: page.next }
  },

  image: (collection: string, id: string) => request<FullImage>(apiURL.image(collection, id)),

  async search(collection: string, params: SearchParams, signal: AbortSignal): Promise<Page> {
    const page = await request<Hits>(apiURL.search(collection, params), { signal })
    return { items: page.hits, next: page.next }
  },

  async searchByPicture(collection: string, picture: Blob, params: SearchParams, signal: AbortSignal): Promise<Page> {
    const headers = { 'Content-Type': picture.type || 'application/octet-stream' }
    const page = await request<Hits>(apiURL.search(collection, params), { method: 'POST', headers, body: picture, signal })
    return { items: page.hits, next: page.next }
  },

  jobs: async (signal: AbortSignal) => (await request<{ jobs: Job[] }>(apiURL.jobs(), { signal })).jobs,

  indexFolder: (collection: string, directory: string, options: Omit<IndexOrder, 'source'> = {}) =>
    request<Job>(apiURL.collectionJobs(collection), {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', 'Idempotency-Key': crypto.randomUUID() },
      body: JSON.stringify({ source: { directory }, ...options }),
    }),

  cancelJob: (id: string) => request<Job>(apiURL.job(id), { method: 'DELETE' }),
}
