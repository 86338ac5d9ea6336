import { flushSync } from 'svelte'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Router } from './router.svelte'

let router: Router
let stop: () => void

beforeEach(() => {
  history.replaceState(null, '', '/?q=first')
  router = new Router()
  stop = router.start()
})
afterEach(() => stop())

/** A move in the history arrives when the browser says so. */
async function moved(move: () => void): Promise<void> {
  const arrived = new Promise((resolve) => window.addEventListener('popstate', resolve, { once: true }))
  move()
  await arrived
}

const here = () => location.pathname + location.search

describe('router', () => {
  it('begins where the browser is', () => {
    expect([router.page, router.query, router.mark]).toEqual(['search', '?q=first', {}])
  })

  it('goes back and forward with the browser, marks included', async () => {
    router.go('/?q=second', { picture: 7 })
    router.go('/?q=third', { opened: true })
    expect([here(), router.query, router.mark]).toEqual(['/?q=third', '?q=third', { opened: true }])
    await moved(() => history.back())
    expect([router.query, router.mark]).toEqual(['?q=second', { picture: 7 }])
    await moved(() => router.back())
    expect([router.query, router.mark]).toEqual(['?q=first', {}])
    await moved(() => history.go(2))
    expect([router.query, router.mark]).toEqual(['?q=third', { opened: true }])
  })

  it('forgets what lay ahead when it goes elsewhere', async () => {
    router.go('/?q=second', {})
    await moved(() => history.back())
    const entries = history.length
    router.go('/?q=other', {})
    expect(history.length).toBe(entries)
    await moved(() => history.back())
    expect(router.query).toBe('?q=first')
  })

  it('replaces an entry, so that going back skips it', async () => {
    router.go('/?q=f', {})
    const entries = history.length
    router.go('/?q=fi', {}, true)
    router.go('/?q=fish', { opened: true }, true)
    expect([history.length, router.query, router.mark]).toEqual([entries, '?q=fish', { opened: true }])
    await moved(() => history.back())
    expect(router.query).toBe('?q=first')
  })

  it('adds no entry for where it is, but one for another mark', () => {
    router.go('/?q=second', {}) // now there is nothing ahead
    const entries = history.length
    router.go('/?q=second', {})
    router.go('/?q=second', { picture: 0, opened: false })
    expect(history.length).toBe(entries)
    router.go('/?q=second', { picture: 1 })
    expect(history.length).toBe(entries + 1)
  })

  it('shows the first page at a path that it does not know', () => {
    router.go('/nowhere?q=x', {})
    expect([router.page, router.query]).toEqual(['search', '?q=x'])
  })

  it('tells those who watch', async () => {
    const seen: string[] = []
    const end = $effect.root(() => {
      $effect(() => void seen.push(router.query))
    })
    flushSync()
    router.go('/?q=second', {})
    flushSync()
    await moved(() => history.back())
    flushSync()
    end()
    expect(seen).toEqual(['?q=first', '?q=second', '?q=first'])
  })

  it('follows the history no more once it is stopped', async () => {
    router.go('/?q=second', {})
    stop()
    await moved(() => history.back())
    expect(router.query).toBe('?q=second')
  })
})
