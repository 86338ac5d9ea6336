import { api, Problem, type Collection, type Info } from './api'

const lookEvery = 3000 // ms

/** Collections is what the server holds, and what it is. */
export class Collections {
  info = $state.raw<Info | undefined>()
  list = $state.raw<Collection[] | undefined>() // undefined until the server has answered
  problem = $state.raw<Problem | undefined>() // the server cannot be asked

  /** first is the collection that is shown when none was chosen: the demo, or the first one. */
  readonly first = $derived((this.named(this.info?.demo) ?? this.list?.[0])?.name ?? '')
  /** limited: the loaded model is the small one that knows emoji-like art only. */
  readonly limited = $derived(this.info?.model.bundled ?? false)

  #asked = 0
  #answered = 0 // the newest question that was answered
  #lookedAt = -Infinity

  named(name: string | undefined): Collection | undefined {
    return this.list?.find((one) => one.name === name)
  }

  /** load asks for everything. */
  async load(): Promise<void> {
    const asked = ++this.#asked
    this.problem = undefined
    try {
      const [info, list] = await Promise.all([api.info(), api.collections()])
      this.info = info
      this.#take(asked, list)
    } catch (error) {
      this.problem = Problem.of(error)
    }
  }

  /**
   * look asks for the list again: at once if that is urgent, else now and then.
   * It answers whether the list has what was there when it was called.
   */
  async look(urgent: boolean): Promise<boolean> {
    const now = Date.now()
    if (!urgent && now - this.#lookedAt < lookEvery) return false
    this.#lookedAt = now
    const asked = ++this.#asked
    const list = await api.collections().catch(() => undefined)
    if (list) this.#take(asked, list)
    return list !== undefined
  }

  /** An answer that a newer one has overtaken is dropped. */
  #take(asked: number, list: Collection[]): void {
    if (asked < this.#answered) return
    this.#answered = asked
    this.list = list
  }
}
