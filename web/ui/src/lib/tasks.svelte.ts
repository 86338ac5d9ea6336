import { api, type Task } from './api'
import { Live } from './live.svelte'
import { apiURL } from './url'

export const isFinal = (task: Task): boolean => ['succeeded', 'failed', 'canceled'].includes(task.status)

/** percentOf says how far a task is, if that is known. */
export function percentOf(task: Task | undefined): number | undefined {
  if (!task || task.progress.total <= 0) return undefined
  return Math.floor((100 * task.progress.done) / task.progress.total)
}

/** TaskNews is all tasks, newest first, or one that is new or has changed. */
export interface TaskNews {
  tasks?: Task[]
  task?: Task
}

/** Tasks is the server's work in the background, as it goes on. */
export class Tasks {
  list = $state.raw<Task[]>([]) // newest first
  readonly running = $derived(this.list.filter((task) => !isFinal(task)))
  readonly live = new Live<TaskNews>({
    url: apiURL.taskEvents,
    poll: async (signal) => ({ tasks: await api.tasks(signal) }),
    receive: (news) => this.receive(news),
  })

  readonly #changed: (task: Task, ended: boolean) => void
  #begun = false // the server has told its tasks once

  /** changed is called with a task that has changed, and whether it has just ended. */
  constructor(changed: (task: Task, ended: boolean) => void) {
    this.#changed = changed
  }

  /** add shows a task that was just created, unless there is already news of it. */
  add(task: Task): void {
    if (!this.#find(task.id)) this.#put(task)
  }

  receive(news: TaskNews): void {
    if (news.tasks) this.#replace(news.tasks)
    if (news.task) this.#put(news.task)
  }

  #find(id: string): Task | undefined {
    return this.list.find((task) => task.id === id)
  }

  #put(task: Task): void {
    const before = this.#find(task.id)
    this.list = before ? this.list.map((other) => (other.id === task.id ? task : other)) : [task, ...this.list]
    this.#changed(task, isFinal(task) && (!before || !isFinal(before)))
  }

  /** What was known at the beginning is no news; later, whatever had not ended is. */
  #replace(tasks: Task[]): void {
    const news = this.#begun ? tasks.filter((task) => !this.#ended(task.id)) : []
    this.#begun = true
    this.list = tasks
    for (const task of news) this.#changed(task, isFinal(task))
  }

  #ended(id: string): boolean {
    const task = this.#find(id)
    return task !== undefined && isFinal(task)
  }
}
