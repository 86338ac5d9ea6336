import { api, type Task } from './api'

export const isFinal = (task: Task): boolean => ['succeeded', 'failed', 'canceled'].includes(task.status)

/** LiveTasks follows the server's tasks over a WebSocket, and reconnects. */
export class LiveTasks {
  list = $state.raw<Task[]>([]) // newest first
  connected = $state(false)
  readonly running = $derived(this.list.filter((task) => !isFinal(task)))

  #changed: (task: Task, ended: boolean) => void
  #socket: WebSocket | undefined
  #timer: ReturnType<typeof setTimeout> | undefined
  #wait = 500
  #stopped = false

  /** changed is called with every news of a task, and whether it has just ended. */
  constructor(changed: (task: Task, ended: boolean) => void) {
    this.#changed = changed
  }

  connect(): void {
    const socket = (this.#socket = new WebSocket(api.taskEvents()))
    socket.onopen = () => {
      this.connected = true
      this.#wait = 500
    }
    socket.onmessage = (event) => this.#receive(JSON.parse(String(event.data)) as { tasks?: Task[]; task?: Task })
    socket.onclose = () => {
      this.connected = false
      if (this.#stopped) return
      this.#timer = setTimeout(() => this.connect(), this.#wait)
      this.#wait = Math.min(this.#wait * 2, 15_000)
    }
  }

  close(): void {
    this.#stopped = true
    clearTimeout(this.#timer)
    this.#socket?.close()
  }

  /** put adds or replaces a task. */
  put(task: Task): void {
    const before = this.list.find((other) => other.id === task.id)
    this.list = before ? this.list.map((other) => (other.id === task.id ? task : other)) : [task, ...this.list]
    this.#changed(task, isFinal(task) && (!before || !isFinal(before)))
  }

  #receive(event: { tasks?: Task[]; task?: Task }): void {
    if (event.task) this.put(event.task)
    if (!event.tasks) return
    const known = this.list
    this.list = event.tasks
    for (const task of event.tasks) {
      const before = known.find((other) => other.id === task.id)
      if (before && !isFinal(before) && isFinal(task)) this.#changed(task, true)
    }
  }
}
