import { api, whenUnauthorized, type Access, type Job } from './api'
import { Collections } from './collections.svelte'
import { Router } from './router.svelte'
import { Search } from './search.svelte'
import { Jobs } from './jobs.svelte'

/** App is what all pages share: it only joins its parts. */
export class App {
  readonly router = new Router()
  readonly collections = new Collections()
  readonly search = new Search(this.router, this.collections)
  readonly jobs = new Jobs((job, ended) => void this.#jobChanged(job, ended))
  dialog = $state<'' | 'index' | 'help'>('')
  signedOut = $state(false) // the server asks for a key

  /** may tells whether this page may do what a scope is for. It does not know before the server has answered. */
  may(scope: Access['scopes'][number]): boolean {
    return !this.signedOut && (this.collections.info?.access.scopes.includes(scope) ?? false)
  }

  /** start works until the function that it returns is called. */
  start(): () => void {
    whenUnauthorized(() => (this.signedOut = true))
    void this.collections.load()
    return this.router.start()
  }

  /** signIn begins the page anew with what the key may see. It throws a Problem for a wrong one. */
  async signIn(key: string): Promise<void> {
    await api.signIn(key)
    this.router.reload()
  }

  async signOut(): Promise<void> {
    await api.signOut()
    this.router.reload()
  }

  /** While a job fills a collection, what has arrived is shown now and then. */
  async #jobChanged(job: Job, ended: boolean): Promise<void> {
    const grows = job.progress.indexed + job.progress.removed > 0
    if ((ended || grows) && (await this.collections.look(ended))) this.search.changed(job.collection ?? '', ended)
  }
}
