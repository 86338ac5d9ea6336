import { untrack } from 'svelte'
import { api } from './api'
import type { Collections } from './collections.svelte'
import { type Condition, formatConditions, sameCondition } from './filter'
import { Paged } from './paged.svelte'
import type { Router } from './router.svelte'
import { emptyView, pageURL, parseView, type View } from './url'

const shortList = 60 // items that may be replaced while somebody looks at them

/** Search is what the search page is asked, which the URL says, and what the server answered to it. */
export class Search {
  readonly list = new Paged()
  readonly view: View = $derived.by(() => parseView(this.#router.query))
  /** picture is searched with, instead of words. */
  readonly picture = $derived.by(() => this.#pictures.get(this.#router.mark.picture ?? 0))
  /** collection is the name of the one that is shown, empty as long as that is unknown. */
  readonly collection = $derived.by(() => this.view.collection || this.#collections.first)
  readonly current = $derived.by(() => this.#collections.named(this.collection))
  readonly searching = $derived(Boolean(this.view.q || this.view.like || this.picture))
  /** home is where nothing is asked. */
  readonly home = $derived(!this.searching && this.view.filter.length === 0)

  readonly #router: Router
  readonly #collections: Collections
  // The history keeps no files, so it keeps their numbers. They begin with the
  // time: entries that another load of the page left behind mean none of these.
  readonly #pictures = new Map<number, Blob>()
  #lastPicture = Date.now()
  #shown = '' // what the list answers

  constructor(router: Router, collections: Collections) {
    this.#router = router
    this.#collections = collections
  }

  /** go changes the view and the URL with it. A picture stays until something else is searched. */
  go(change: Partial<View>, options: { replace?: boolean; opened?: boolean; picture?: number } = {}): void {
    const view = { ...this.view, collection: this.collection, ...change }
    const asks = 'q' in change || 'like' in change || 'collection' in change
    const picture = options.picture ?? (asks ? 0 : (this.#router.mark.picture ?? 0))
    this.#router.go(pageURL.search(view), { picture, opened: options.opened ?? false }, options.replace)
  }

  text(q: string, replace = false): void {
    this.go({ q, like: '', open: '' }, { replace })
  }

  byPicture(picture: Blob): void {
    this.#pictures.set(++this.#lastPicture, picture)
    this.go({ q: '', like: '', open: '' }, { picture: this.#lastPicture })
  }

  like(id: string): void {
    this.go({ q: '', like: id, open: '' })
  }

  /** open shows an image large; going back in the history closes it. */
  open(id: string): void {
    this.go({ open: id }, { opened: true })
  }

  /** turn shows another image instead of the one shown large. */
  turn(id: string): void {
    this.go({ open: id }, { replace: true, opened: this.#router.mark.opened ?? false })
  }

  close(): void {
    if (this.#router.mark.opened) this.#router.back()
    else this.go({ open: '' }, { replace: true })
  }

  choose(collection: string): void {
    this.go({ ...emptyView, collection, q: this.view.q })
  }

  goHome(): void {
    this.go({ ...emptyView, collection: this.collection })
  }

  addFilter(condition: Condition): void {
    const filter = this.view.filter.filter((other) => !sameCondition(other, condition))
    this.go({ filter: [...filter, condition], open: '' })
  }

  removeFilter(condition: Condition): void {
    this.go({ filter: this.view.filter.filter((other) => !sameCondition(other, condition)) })
  }

  /** refresh loads the list if the view asks for another one. In an effect it runs again when that changes. */
  refresh(): void {
    const collection = this.collection
    const load = this.#question(collection)
    const picture = this.picture && this.#router.mark.picture
    const wanted = JSON.stringify([collection, this.view.q, this.view.like, this.view.filter, picture ?? 0])
    if (!this.#collections.list || !collection || wanted === this.#shown) return
    this.#shown = wanted
    untrack(() => void this.list.start(collection, load))
  }

  /** retry asks for the list again. */
  retry(): void {
    this.#shown = ''
    this.refresh()
  }

  /** changed says that a collection got other images, and whether that was all. What is being read must not jump; a short list may grow. */
  changed(collection: string, ended: boolean): void {
    const short = !this.searching && this.list.items.length < shortList
    if (collection === this.collection && (ended || short)) this.retry()
  }

  /** leave drops the list and what is under way. */
  leave(): void {
    this.#shown = ''
    this.list.clear()
  }

  /** question is how to load a page of what the view asks. */
  #question(collection: string): Parameters<Paged['start']>[1] {
    const { q, like } = this.view
    const picture = this.picture
    const filter = formatConditions(this.view.filter)
    if (picture) return (cursor, signal) => api.searchByPicture(collection, picture, { cursor, filter }, signal)
    if (like) return (cursor, signal) => api.search(collection, { image: like, filter, cursor }, signal)
    if (q) return (cursor, signal) => api.search(collection, { q, filter, cursor }, signal)
    return (cursor, signal) => api.images(collection, cursor, signal)
  }
}
