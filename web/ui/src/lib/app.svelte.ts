import { api, Problem, type Collection, type Info, type Task } from './api'
import { type Condition, formatConditions, sameCondition } from './filter'
import { Paged } from './paged.svelte'
import { LiveTasks } from './tasks.svelte'
import { emptyView, formatView, parseView, type View } from './view'

const lookEvery = 3000 // ms

/** App is the state of the page: what the URL says, and what the server answered to it. */
export class App {
  view = $state.raw<View>(emptyView)
  picture = $state.raw<Blob | undefined>() // searched with, instead of words
  info = $state.raw<Info | undefined>()
  collections = $state.raw<Collection[] | undefined>()
  problem = $state<Problem | undefined>() // the page cannot start
  readonly list = new Paged()
  readonly tasks = new LiveTasks((task, ended) => this.#taskChanged(task, ended))

  /** name of the collection that is shown: the one asked for, the demo, or the first. */
  readonly collection = $derived(
    this.view.collection ||
      this.collections?.find((one) => one.name === this.info?.demo)?.name ||
      this.collections?.[0]?.name ||
      '',
  )
  readonly current = $derived(this.collections?.find((one) => one.name === this.collection))
  readonly searching = $derived(Boolean(this.view.q || this.view.like || this.picture))
  readonly limited = $derived(this.info?.model.bundled ?? false)

  #pictures = new Map<number, Blob>() // those in the browser's history, by number
  #shown = '' // what the list answers
  #lookedAt = 0 // when collections were last asked for because of a task

  async start(): Promise<void> {
    this.#read()
    this.tasks.connect()
    await this.reload()
  }

  stop(): void {
    this.tasks.close()
    this.list.clear()
  }

  /** reload asks again what collections there are, and for the list. */
  async reload(): Promise<void> {
    this.problem = undefined
    try {
      const [info, collections] = await Promise.all([api.info(), api.collections()])
      this.info = info
      this.collections = collections
      this.#shown = ''
      this.#refresh()
    } catch (error) {
      this.problem = error instanceof Problem ? error : new Problem(0, '', String(error))
    }
  }

  /** retry asks for the list again. */
  retry(): void {
    this.#shown = ''
    this.#refresh()
  }

  /** back and forward in the browser's history. */
  popped(): void {
    this.#read()
    this.#refresh()
  }

  /** go changes the view and the URL with it. */
  go(change: Partial<View>, options: { replace?: boolean; picture?: Blob | undefined; opened?: boolean } = {}): void {
    this.view = { ...this.view, collection: this.collection, ...change }
    const listChanges = 'q' in change || 'like' in change || 'collection' in change
    if ('picture' in options) this.picture = options.picture
    else if (listChanges) this.picture = undefined
    const url = location.pathname + formatView(this.view)
    const state = { picture: this.#remember(), opened: options.opened ?? false }
    if (options.replace) history.replaceState(state, '', url)
    else if (url !== location.pathname + location.search || 'picture' in options) history.pushState(state, '', url)
    this.#refresh()
  }

  searchText(q: string, replace: boolean): void {
    this.go({ q, like: '', open: '' }, { replace })
  }

  searchPicture(picture: Blob): void {
    this.go({ q: '', like: '', open: '' }, { picture })
  }

  searchLike(id: string): void {
    this.go({ q: '', like: id, open: '' })
  }

  /** open shows an image large; going back in the history closes it. */
  open(id: string): void {
    this.go({ open: id }, { opened: true })
  }

  /** turn shows another image instead of the one shown large. */
  turn(id: string): void {
    this.go({ open: id }, { replace: true, opened: this.#opened() })
  }

  close(): void {
    if (this.#opened()) history.back()
    else this.go({ open: '' }, { replace: true })
  }

  #opened(): boolean {
    return (history.state as { opened?: boolean } | null)?.opened ?? false
  }

  choose(collection: string): void {
    this.go({ ...emptyView, collection, q: this.view.q })
  }

  home(): void {
    this.go({ ...emptyView, collection: this.collection })
  }

  addFilter(condition: Condition): void {
    const filter = this.view.filter.filter((other) => !sameCondition(other, condition))
    this.go({ filter: [...filter, condition], open: '' })
  }

  removeFilter(condition: Condition): void {
    this.go({ filter: this.view.filter.filter((other) => !sameCondition(other, condition)) })
  }

  #read(): void {
    this.view = parseView(location.search)
    const state = history.state as { picture?: number } | null
    this.picture = state?.picture ? this.#pictures.get(state.picture) : undefined
  }

  /** remember numbers the picture, since the history keeps no files. */
  #remember(): number {
    if (!this.picture) return 0
    for (const [number, picture] of this.#pictures) if (picture === this.picture) return number
    this.#pictures.set(this.#pictures.size + 1, this.picture)
    return this.#pictures.size
  }

  /** refresh loads the list if the view asks for another one. */
  #refresh(): void {
    const { q, like } = this.view
    const filter = formatConditions(this.view.filter)
    const wanted = JSON.stringify([this.collection, q, like, filter, this.#remember()])
    if (wanted === this.#shown || !this.collection) return
    this.#shown = wanted
    const collection = this.collection
    const picture = this.picture
    if (picture) {
      void this.list.start(collection, (cursor, signal) => api.searchByPicture(collection, picture, { cursor, filter }, signal))
    } else if (q || like) {
      const params = like ? { image: like, filter } : { q, filter }
      void this.list.start(collection, (cursor, signal) => api.search(collection, { ...params, cursor }, signal))
    } else {
      void this.list.start(collection, (cursor, signal) => api.images(collection, cursor, signal))
    }
  }

  /** While a task fills a collection, look what has arrived, now and then. */
  #taskChanged(task: Task, ended: boolean): void {
    const grows = task.progress.indexed + task.progress.removed > 0
    const now = Date.now()
    if (!ended && (!grows || now - this.#lookedAt < lookEvery)) return
    this.#lookedAt = now
    void this.#look(task, ended)
  }

  async #look(task: Task, ended: boolean): Promise<void> {
    const collections = await api.collections().catch(() => undefined)
    if (!collections) return
    this.collections = collections
    // What is being read must not jump; a short list may grow.
    const short = !this.searching && this.list.items.length < 60
    if (task.collection === this.collection && (ended || short)) this.#shown = ''
    this.#refresh()
  }
}
