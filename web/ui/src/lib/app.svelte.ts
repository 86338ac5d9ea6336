import type { Job } from './api'
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

  /** start works until the function that it returns is called. */
  start(): () => void {
    const stopRouter = this.router.start()
    this.jobs.live.start()
    void this.collections.load()
    return () => {
      stopRouter()
      this.jobs.live.stop()
    }
  }

  /** While a job fills a collection, what has arrived is shown now and then. */
  async #jobChanged(job: Job, ended: boolean): Promise<void> {
    const grows = job.progress.indexed + job.progress.removed > 0
    if ((ended || grows) && (await this.collections.look(ended))) this.search.changed(job.collection ?? '', ended)
  }
}
