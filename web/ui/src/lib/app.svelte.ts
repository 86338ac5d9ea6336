import type { Task } from './api'
import { Collections } from './collections.svelte'
import { Router } from './router.svelte'
import { Search } from './search.svelte'
import { Tasks } from './tasks.svelte'

/** App is what all pages share: it only joins its parts. */
export class App {
  readonly router = new Router()
  readonly collections = new Collections()
  readonly search = new Search(this.router, this.collections)
  readonly tasks = new Tasks((task, ended) => void this.#taskChanged(task, ended))
  dialog = $state<'' | 'index' | 'help'>('')

  /** start works until the function that it returns is called. */
  start(): () => void {
    const stopRouter = this.router.start()
    this.tasks.live.start()
    void this.collections.load()
    return () => {
      stopRouter()
      this.tasks.live.stop()
    }
  }

  /** While a task fills a collection, what has arrived is shown now and then. */
  async #taskChanged(task: Task, ended: boolean): Promise<void> {
    const grows = task.progress.indexed + task.progress.removed > 0
    if ((ended || grows) && (await this.collections.look(ended))) this.search.changed(task.collection, ended)
  }
}
