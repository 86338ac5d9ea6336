import { Problem, type Page } from './api'

type Fetch = (cursor: string | undefined, signal: AbortSignal) => Promise<Page>

/** Paged is a list that is loaded page by page; only its newest query counts. */
export class Paged {
  items = $state.raw<Page['items']>([])
  collection = $state('') // that of the items
  loading = $state(false)
  fresh = $state(true) // nothing has been loaded yet
  error = $state<Problem | undefined>()
  next = $state<string | undefined>()

  #fetch: Fetch | undefined
  #from = '' // the collection that fetch asks
  #abort = new AbortController()

  /** start forgets the list and loads the first page. What is shown stays until it arrives. */
  async start(collection: string, fetch: Fetch): Promise<void> {
    this.#abort.abort()
    this.#fetch = fetch
    this.#from = collection
    this.next = undefined
    await this.#load(undefined)
  }

  /** more loads the next page, if there is one. */
  async more(): Promise<void> {
    if (this.loading || !this.next) return
    await this.#load(this.next)
  }

  /** clear empties the list and drops what is under way. */
  clear(): void {
    this.#abort.abort()
    this.items = []
    this.next = this.error = undefined
    this.loading = false
    this.fresh = true
  }

  async #load(cursor: string | undefined): Promise<void> {
    if (!this.#fetch) return
    const abort = (this.#abort = new AbortController())
    this.loading = true
    this.error = undefined
    try {
      const page = await this.#fetch(cursor, abort.signal)
      if (abort.signal.aborted) return
      this.items = cursor ? [...this.items, ...page.items] : page.items
      this.collection = this.#from
      this.next = page.next
      this.fresh = false
    } catch (error) {
      if (abort.signal.aborted) return
      this.error = Problem.of(error)
      if (!cursor) this.items = []
      this.fresh = false
    } finally {
      if (!abort.signal.aborted) this.loading = false
    }
  }
}
