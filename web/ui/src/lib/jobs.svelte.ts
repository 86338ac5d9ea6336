import { api, type Files, type Job } from './api'
import { formatCount } from './format'
import { Live } from './live.svelte'
import { apiURL } from './url'

export const isFinal = (job: Job): boolean => ['succeeded', 'failed', 'canceled'].includes(job.state)

/** isLatest tells whether no later job has indexed the same folder. Newer jobs come first in a list. */
export const isLatest = (job: Job, list: Job[]): boolean =>
  list.find((one) => one.kind === job.kind && one.collection === job.collection && one.source?.directory === job.source?.directory)?.id === job.id

/** subjectOf names what a job works on. */
export function subjectOf(job: Job): string {
  switch (job.kind) {
    case 'push': return 'Pictures that were sent'
    case 'plan': return 'Plan'
    case 'model': return `Model ${job.model ?? ''}`
    case 'train': return 'Training'
    case 'check': return 'Check of the index'
    case 'repair': return 'Repair of the index'
    case 'rebuild': return 'Rebuild of the index'
    default: return job.source?.directory ?? ''
  }
}

/** checkFacts says what a check of the index found and did. */
export function checkFacts(check: NonNullable<Job['check']>): string[] {
  const counts: [number, string][] = [[check.missing, 'missing'], [check.extra, 'extra'], [check.outdated, 'outdated']]
  const found = counts.filter(([count]) => count > 0).map(([count, word]) => `${formatCount(count)} ${word}`)
  if (found.length === 0) found.push('the index agrees')
  if (check.repaired > 0) found.push(`${formatCount(check.repaired)} rows repaired`)
  return found
}

/** findingFacts says what a check has found besides. */
export const findingFacts = (findings: Job['findings']): string[] =>
  (findings ?? []).map(({ count, words }) => `${formatCount(count)} ${words}`)

/** kindWords name one of what was not used, or not wholly, and several. */
const kindWords: Record<string, [string, string]> = {
  file: ['file not readable now', 'files not readable now'], folder: ['folder not readable now', 'folders not readable now'],
  name: ['with too long a path', 'with too long a path'], link: ['link not followed', 'links not followed'],
  special: ['pipe, socket or device', 'pipes, sockets or devices'],
  incomplete: ['picture of which a part is missing', 'pictures of which a part is missing'], sidecar: ['about metadata', 'about metadata'],
}

const oneOrMore = (count: number, [one, several]: [string, string]): string => `${formatCount(count)} ${count === 1 ? one : several}`

const groupsOf = (groups: Record<string, number>): [string, number][] =>
  Object.entries(groups).sort((a, b) => b[1] - a[1] || a[0].localeCompare(b[0]))

const sumOf = (groups: Record<string, number>): number => Object.values(groups).reduce((sum, count) => sum + count, 0)

const listOf = (groups: Record<string, number>): string =>
  groupsOf(groups).map(([group, count]) => oneOrMore(count, kindWords[group] ?? [group, group])).join(', ')

/** fileFacts says what lies in a folder besides pictures. */
export function fileFacts(files: Files): string[] {
  const facts: string[] = []
  const add = (groups: Record<string, number>, one: string, several: string): void => {
    const sum = sumOf(groups)
    if (sum > 0) facts.push(`${oneOrMore(sum, [one, several])}: ${listOf(groups)}`)
  }
  add(files.others, 'file is no picture that Polylens reads', 'files are no pictures that Polylens reads')
  if (files.metadata > 0) facts.push(oneOrMore(files.metadata, ['file with metadata or rules', 'files with metadata or rules']))
  add(files.excluded, 'file or folder left out by rules', 'files or folders left out by rules')
  add(files.unusable, 'file or folder not used', 'files or folders not used')
  add(files.warnings, 'warning', 'warnings')
  return facts
}

/** besides is how many entries of a folder are no pictures, or have a note. */
export const besides = (files: Files): number =>
  sumOf(files.others) + files.metadata + sumOf(files.excluded) + sumOf(files.unusable) + sumOf(files.warnings)

/** percentOf says how far a job is, if that is known. */
export function percentOf(job: Job | undefined): number | undefined {
  if (!job || job.progress.total <= 0) return undefined
  return Math.floor((100 * job.progress.done) / job.progress.total)
}

/** JobNews is all jobs, newest first, or one that is new or has changed. */
export interface JobNews {
  jobs?: Job[]
  job?: Job
}

/** Jobs is the server's work in the background, as it goes on. */
export class Jobs {
  list = $state.raw<Job[]>([]) // newest first
  readonly active = $derived(this.list.filter((job) => !isFinal(job)))
  readonly live = new Live<JobNews>({
    url: apiURL.jobEvents,
    poll: async (signal) => ({ jobs: await api.jobs(signal) }),
    receive: (news) => this.receive(news),
  })

  readonly #changed: (job: Job, ended: boolean) => void
  #begun = false // the server has told its jobs once

  /** changed is called with a job that has changed, and whether it has just ended. */
  constructor(changed: (job: Job, ended: boolean) => void) {
    this.#changed = changed
  }

  /** add shows a job that was just created, unless there is already news of it. */
  add(job: Job): void {
    if (!this.#find(job.id)) this.#put(job)
  }

  receive(news: JobNews): void {
    if (news.jobs) this.#replace(news.jobs)
    if (news.job) this.#put(news.job)
  }

  #find(id: string): Job | undefined {
    return this.list.find((job) => job.id === id)
  }

  #put(job: Job): void {
    const before = this.#find(job.id)
    this.list = before ? this.list.map((other) => (other.id === job.id ? job : other)) : [job, ...this.list]
    this.#changed(job, isFinal(job) && (!before || !isFinal(before)))
  }

  /** What was known at the beginning is no news; later, whatever had not ended is. */
  #replace(jobs: Job[]): void {
    const news = this.#begun ? jobs.filter((job) => !this.#ended(job.id)) : []
    this.#begun = true
    this.list = jobs
    for (const job of news) this.#changed(job, isFinal(job))
  }

  #ended(id: string): boolean {
    const job = this.#find(id)
    return job !== undefined && isFinal(job)
  }
}
