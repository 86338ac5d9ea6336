import type { components } from './api.gen'

type Schemas = components['schemas']
export type Collection = Schemas['Collection']
export type Image = Schemas['Image']
export type FullImage = Schemas['FullImage']
export type Hit = Schemas['Hit']
export type Task = Schemas['Task']
export type Info = Schemas['Info']

/** Problem is an answer that is not a success (RFC 9457). */
export class Problem extends Error {
  readonly status: number
  readonly type: string

  constructor(status: number, type: string, detail: string) {
    super(detail)
    this.status = status
    this.type = type
  }
}

const root = '/api/v1'

async function request<T>(path: string, init: RequestInit = {}): Promise<T> {
  let response: Response
  try {
    response = await fetch(root + path, init)
  } catch (error) {
    if (init.signal?.aborted) throw error
    throw new Problem(0, 'offline', 'Polylens does not answer. Is it still running?')
  }
  if (response.ok) return response.status === 204 ? (undefined as T) : ((await response.json()) as T)
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

/** Page is one page of images; hits carry a score. */
export interface Page {
  items: (Image & { score?: number })[]
  next: string | undefined
}

export interface SearchParams {
  q?: string
  image?: string
  filter?: string
  cursor?: string | undefined
  limit?: number
}

function queryString(params: object): string {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(params)) {
    if (value !== undefined && value !== '') query.set(name, String(value))
  }
  return query.size > 0 ? `?${query}` : ''
}

const at = (collection: string) => `/collections/${encodeURIComponent(collection)}`
const imageAt = (collection: string, id: string) => `${at(collection)}/images/${encodeURIComponent(id)}`

type Hits = { hits: Hit[]; next?: string }

export const api = {
  info: () => request<Info>('/info'),

  collections: async () => (await request<{ collections: Collection[] }>('/collections')).collections,

  async images(collection: string, cursor: string | undefined, signal: AbortSignal): Promise<Page> {
    const path = `${at(collection)}/images${queryString({ cursor, limit: 60 })}`
    const page = await request<{ images: Image[]; next?: string }>(path, { signal })
    return { items: page.images, next: page.next }
  },

  image: (collection: string, id: string) => request<FullImage>(imageAt(collection, id)),

  async search(collection: string, params: SearchParams, signal: AbortSignal): Promise<Page> {
    const page = await request<Hits>(`${at(collection)}/search${queryString(params)}`, { signal })
    return { items: page.hits, next: page.next }
  },

  async searchByPicture(collection: string, picture: Blob, params: SearchParams, signal: AbortSignal): Promise<Page> {
    const headers = { 'Content-Type': picture.type || 'application/octet-stream' }
    const path = `${at(collection)}/search${queryString(params)}`
    const page = await request<Hits>(path, { method: 'POST', headers, body: picture, signal })
    return { items: page.hits, next: page.next }
  },

  indexFolder: (collection: string, directory: string, maxNumPatches?: number) =>
    request<Task>(`${at(collection)}/tasks`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', 'Idempotency-Key': crypto.randomUUID() },
      body: JSON.stringify({ source: { directory }, max_num_patches: maxNumPatches }),
    }),

  cancelTask: (id: string) => request<Task>(`/tasks/${encodeURIComponent(id)}`, { method: 'DELETE' }),

  thumbnail: (collection: string, id: string, size: number) =>
    `${root}${imageAt(collection, id)}/thumbnail?size=${size}`,

  original: (collection: string, id: string) => `${root}${imageAt(collection, id)}/original`,

  taskEvents: () => `${location.origin.replace(/^http/, 'ws')}${root}/tasks/events`,
}
