import { type Condition, parseConditions, formatConditions } from './filter'

/** View is everything about the page that a link carries. */
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

/** formatView is the inverse of parseView. */
export function formatView(view: View): string {
  const query = new URLSearchParams()
  if (view.collection) query.set('collection', view.collection)
  if (view.q) query.set('q', view.q)
  if (view.like) query.set('like', view.like)
  if (view.filter.length > 0) query.set('filter', formatConditions(view.filter))
  if (view.open) query.set('open', view.open)
  return query.size > 0 ? `?${query}` : ''
}
