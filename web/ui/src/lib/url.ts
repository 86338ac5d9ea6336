import { type Condition, parseConditions, formatConditions } from './filter'

// Every URL of the API and of the page is built and read here; url.test.ts
// finds those that are not.

/** paths are where the pages are; src/pages says what is shown there. */
export const paths = { search: '/' } as const

export type PageName = keyof typeof paths

/** pageAt names the page at a path. What it does not know is the first page. */
export function pageAt(path: string): PageName {
  for (const [name, known] of Object.entries(paths)) if (known === path) return name as PageName
  return 'search'
}

/** View is everything about the search page that a link carries. */
export interface View {
  collection: string // empty: the server's first choice
  q: string
  like: string // ID of the image whose likes are sought
  filter: Condition[]
  open: string // ID of the image shown large
}

export const emptyView: View = { collection: '', q: '', like: '', filter: [], open: '' }

/** parseView reads the query part of a URL. What it does not know it ignores. */
export function parseView(search: string): View {
  const query = new URLSearchParams(search)
  return {
    collection: query.get('collection') ?? '',
    q: (query.get('q') ?? '').trim(),
    like: query.get('like') ?? '',
    filter: parseConditions(query.get('filter') ?? ''),
    open: query.get('open') ?? '',
  }
}

/** pageURL are the page's own URLs. That of search is the inverse of parseView. */
export const pageURL = {
  search: ({ collection, q, like, filter, open }: View) =>
    withQuery(paths.search, { collection, q, like, filter: formatConditions(filter), open }),
}

const root = '/api/v1'
const at = (collection: string) => `${root}/collections/${encodeURIComponent(collection)}`
const imageAt = (collection: string, id: string) => `${at(collection)}/images/${encodeURIComponent(id)}`

/** apiURL are the server's URLs. */
export const apiURL = {
  description: () => '/openapi.json',
  session: () => `${root}/session`,
  info: () => `${root}/info`,
  collections: () => `${root}/collections`,
  collectionJobs: (collection: string) => `${at(collection)}/jobs`,
  images: (collection: string, params: { cursor?: string | undefined; limit?: number }) =>
    withQuery(`${at(collection)}/images`, params),
  image: imageAt,
  thumbnail: (collection: string, id: string, size: number) => withQuery(`${imageAt(collection, id)}/thumbnail`, { size }),
  original: (collection: string, id: string) => `${imageAt(collection, id)}/original`,
  search: (collection: string, params: SearchParams) => withQuery(`${at(collection)}/search`, { ...params, group: 'content' }),
  jobs: () => `${root}/jobs`,
  job: (id: string) => `${root}/jobs/${encodeURIComponent(id)}`,
  failedItems: (job: string) => `${root}/jobs/${encodeURIComponent(job)}/items?outcome=failed`,
  jobEvents: () => `${location.origin.replace(/^http/, 'ws')}${root}/jobs/events`,
}

/** SearchParams are the parameters of a search. */
export interface SearchParams {
  q?: string
  image?: string
  filter?: string
  cursor?: string | undefined
  limit?: number
}

/** withQuery leaves out what is empty. */
function withQuery(path: string, params: object): string {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(params)) {
    if (value !== undefined && value !== '') query.set(name, String(value))
  }
  return query.size > 0 ? `${path}?${query}` : path
}
