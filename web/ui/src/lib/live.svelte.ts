const firstWait = 500 // ms before the first attempt to connect again
const longestWait = 15_000
const pollEvery = 3000 // where the server answers, but not over a WebSocket

/** Source is where news come from, and who wants them. */
export interface Source<News> {
  url: () => string // of a WebSocket that tells the present state first, then changes
  poll: (signal: AbortSignal) => Promise<News> // the present state
  receive: (news: News) => void
}

/**
 * Live passes on news from a WebSocket. When the connection is lost it connects
 * again, waiting longer after each failure, and asks for the present state as
 * long as that fails.
 */
export class Live<News> {
  connected = $state(false)

  readonly #source: Source<News>
  #socket: WebSocket | undefined // the only one whose events count
  #timer: ReturnType<typeof setTimeout> | undefined
  #polling = new AbortController()
  #wait = firstWait

  constructor(source: Source<News>) {
    this.#source = source
  }

  start(): void {
    const socket = (this.#socket = new WebSocket(this.#source.url()))
    let opened = false
    socket.onopen = () => {
      if (socket === this.#socket) this.connected = opened = true
    }
    socket.onmessage = (event) => {
      if (socket === this.#socket) this.#tell(JSON.parse(String(event.data)) as News)
    }
    socket.onclose = () => {
      if (socket === this.#socket) this.#lost(opened)
    }
  }

  stop(): void {
    const socket = this.#socket
    this.#socket = undefined
    this.connected = false
    clearTimeout(this.#timer)
    this.#polling.abort()
    socket?.close()
  }

  /** What the socket tells is newer than any answer that is under way. */
  #tell(news: News): void {
    this.#polling.abort()
    this.#wait = firstWait
    this.#source.receive(news)
  }

  #lost(opened: boolean): void {
    this.connected = false
    this.#timer = setTimeout(() => this.start(), this.#wait)
    this.#wait = Math.min(this.#wait * 2, longestWait)
    if (!opened) void this.#poll()
  }

  async #poll(): Promise<void> {
    this.#polling.abort()
    const polling = (this.#polling = new AbortController())
    const news = await this.#source.poll(polling.signal).catch(() => undefined)
    if (news === undefined || polling.signal.aborted) return
    this.#wait = Math.min(this.#wait, pollEvery)
    this.#source.receive(news)
  }
}
