import { pageAt, type PageName } from './url'

/** Mark is what the browser's history keeps with an entry, beside its URL. */
export interface Mark {
  opened?: boolean // from the entry before, so that going back closes what was opened
  picture?: number // searched with; Search knows the file
}

interface Entry {
  page: PageName
  query: string
  mark: Mark
}

/**
 * Router says where in the page the browser is, and goes elsewhere. What
 * belongs to one page is in its query, which the page reads itself.
 */
export class Router {
  #entry = $state.raw<Entry>(present())

  get page(): PageName {
    return this.#entry.page
  }

  /** query is the part of the URL that begins with “?”, or empty. */
  get query(): string {
    return this.#entry.query
  }

  get mark(): Mark {
    return this.#entry.mark
  }

  /** reload begins the page anew where it is. */
  reload(): void {
    location.reload()
  }

  /** start follows the browser's history until the function that it returns is called. */
  start(): () => void {
    const read = () => (this.#entry = present())
    read()
    window.addEventListener('popstate', read)
    return () => window.removeEventListener('popstate', read)
  }

  /**
   * go shows another URL of the page, which becomes a new entry of the history,
   * or takes the place of the present one. Going where one is adds no entry.
   */
  go(url: string, mark: Mark, replace = false): void {
    if (replace) history.replaceState(mark, '', url)
    else if (url !== location.pathname + location.search || !sameMark(mark, this.mark)) history.pushState(mark, '', url)
    this.#entry = present()
  }

  back(): void {
    history.back()
  }
}

function present(): Entry {
  return { page: pageAt(location.pathname), query: location.search, mark: (history.state as Mark | null) ?? {} }
}

const sameMark = (a: Mark, b: Mark) => (a.opened ?? false) === (b.opened ?? false) && (a.picture ?? 0) === (b.picture ?? 0)
