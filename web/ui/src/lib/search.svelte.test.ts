import { flushSync } from 'svelte'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { collection, holdCalls, info, last, type Call } from '../testing/server'
import { Collections } from './collections.svelte'
import { Router, type Mark } from './router.svelte'
import { Search } from './search.svelte'

let calls: Call[]
let router: Router
let collections: Collections
let search: Search
let end: () => void

beforeEach(() => begin('/'))
afterEach(() => end())

/** begin opens the page at a URL, as a browser does that loads it. */
function begin(url: string, mark: Mark = {}): void {
  history.replaceState(mark, '', url)
  calls = holdCalls()
  router = new Router()
  collections = new Collections()
  collections.info = info('demo')
  search = new Search(router, collections)
  const stop = router.start()
  const leave = $effect.root(() => {
    $effect(() => search.refresh())
    $effect(() => () => search.leave())
  })
  flushSync()
  end = () => {
    leave()
    stop()
  }
}

/** ready lets the collections be known. */
function ready(): void {
  collections.list = [collection('demo'), collection('other')]
  flushSync()
}

/** act does something and lets what depends on it follow. */
function act(something: () => void): void {
  something()
  flushSync()
}

async function moved(move: () => void): Promise<void> {
  const arrived = new Promise((resolve) => window.addEventListener('popstate', resolve, { once: true }))
  move()
  await arrived
  flushSync()
}

const asked = () => calls.map((call) => `${call.method} ${decodeURIComponent(call.url.replace('/api/v1/collections/', '').replace(/([?&])group=content$/, ''))}`) // every search asks so
const hits = (...ids: string[]) => ({ hits: ids.map((id) => ({ id, uri: id, metadata: {}, score: 1 })) })
const images = (...ids: string[]) => ({ images: ids.map((id) => ({ id, uri: id, metadata: {} })) })
const shown = () => search.list.items.map((item) => item.id)
const here = () => decodeURIComponent(location.pathname + location.search)
const green = { field: 'colour', op: 'eq', value: 'green' } as const

describe('what is asked', () => {
  it('waits for the collections, and is the first one without words', async () => {
    expect(calls).toEqual([])
    ready()
    expect([asked(), search.home, search.collection]).toEqual([['GET demo/images?limit=60'], true, 'demo'])
    await last(calls).answer(images('a', 'b'))
    expect([shown(), search.list.fresh]).toEqual([['a', 'b'], false])
  })

  it('is what the URL says', () => {
    end()
    begin('/?collection=other&q=%20fish%20&filter=%7B%22field%22:%22colour%22,%22eq%22:%22green%22%7D&open=x')
    ready()
    expect(asked()).toEqual(['GET other/search?q=fish&filter={"field":"colour","eq":"green"}'])
    expect([search.view.open, search.home, search.searching, search.current?.name]).toEqual(['x', false, true, 'other'])
  })

  it('goes into the URL, and to the server once', () => {
    ready()
    act(() => search.text('fish'))
    act(() => search.addFilter(green))
    act(() => search.addFilter(green))
    act(() => search.open('a'))
    act(() => search.turn('b'))
    expect(here()).toBe('/?collection=demo&q=fish&filter={"field":"colour","eq":"green"}&open=b')
    act(() => search.like('b'))
    act(() => search.removeFilter(green))
    act(() => search.choose('other'))
    act(() => search.goHome())
    expect(here()).toBe('/?collection=other')
    expect(asked()).toEqual([
      'GET demo/images?limit=60',
      'GET demo/search?q=fish',
      'GET demo/search?q=fish&filter={"field":"colour","eq":"green"}',
      'GET demo/search?image=b&filter={"field":"colour","eq":"green"}',
      'GET demo/search?image=b',
      'GET other/images?limit=60',
    ])
  })

  it('follows back and forward', async () => {
    ready()
    act(() => search.text('fish'))
    act(() => search.text('moon'))
    await moved(() => history.back())
    await moved(() => history.back())
    await moved(() => history.forward())
    expect(asked().slice(1)).toEqual([
      'GET demo/search?q=fish', 'GET demo/search?q=moon', 'GET demo/search?q=fish', 'GET demo/images?limit=60', 'GET demo/search?q=fish',
    ])
  })

  it('takes the place of what was being typed', async () => {
    ready()
    act(() => search.text('fi'))
    act(() => search.text('fish', true))
    await moved(() => history.back())
    expect(search.view.q).toBe('')
  })
})

describe('a picture', () => {
  const mine = new Blob(['mine'], { type: 'image/png' })
  const other = new Blob(['other'], { type: 'image/png' })

  it('is searched with, also under a filter, until something else is', async () => {
    ready()
    act(() => search.byPicture(mine))
    expect(search.picture).toBe(mine)
    act(() => search.addFilter(green))
    expect(search.picture).toBe(mine)
    act(() => search.text('fish'))
    expect(search.picture).toBeUndefined()
    expect(asked().slice(1)).toEqual([
      'POST demo/search',
      'POST demo/search?filter={"field":"colour","eq":"green"}',
      'GET demo/search?q=fish&filter={"field":"colour","eq":"green"}',
    ])
  })

  it('is there again when one goes back to it', async () => {
    ready()
    act(() => search.byPicture(mine))
    act(() => search.byPicture(other))
    act(() => search.text('fish'))
    await moved(() => history.back())
    expect(search.picture).toBe(other)
    await moved(() => history.back())
    expect(search.picture).toBe(mine)
  })

  it('of an earlier load of the page is gone, not mistaken for a new one', async () => {
    end()
    begin('/', { picture: 1 })
    ready()
    expect(search.picture).toBeUndefined()
    act(() => search.byPicture(other))
    await moved(() => history.back())
    expect(search.picture).toBeUndefined()
  })
})

describe('an answer', () => {
  it('that is older does not replace a newer one', async () => {
    ready()
    act(() => search.text('slow'))
    const slow = last(calls)
    act(() => search.text('quick'))
    await last(calls).answer(hits('new'))
    expect(slow.signal?.aborted).toBe(true)
    await slow.answer(hits('old'))
    expect([shown(), search.list.loading]).toEqual([['new'], false])
  })

  it('that is older and fails says nothing', async () => {
    ready()
    act(() => search.text('slow'))
    const slow = last(calls)
    act(() => search.text('quick'))
    await slow.fail()
    expect([search.list.error, search.list.loading]).toEqual([undefined, true])
    await last(calls).answer(hits('new'))
    expect(shown()).toEqual(['new'])
  })

  it('is what was asked last, also when that was asked before', async () => {
    ready()
    act(() => search.text('fish'))
    const first = last(calls)
    act(() => search.text('moon'))
    act(() => search.text('fish'))
    await first.answer(hits('first'))
    expect(shown()).toEqual([])
    await last(calls).answer(hits('second'))
    expect(shown()).toEqual(['second'])
  })

  it('stays until the next one is there', async () => {
    ready()
    await last(calls).answer(images('a'))
    act(() => search.text('fish'))
    expect([shown(), search.list.loading]).toEqual([['a'], true])
  })

  it('goes on page by page', async () => {
    ready()
    act(() => search.text('fish'))
    await last(calls).answer({ ...hits('a', 'b'), next: 'c1' })
    void search.list.more()
    void search.list.more() // one is under way
    expect(asked().slice(2)).toEqual(['GET demo/search?q=fish&cursor=c1'])
    await last(calls).answer(hits('c'))
    await search.list.more()
    expect([shown(), calls.length]).toEqual([['a', 'b', 'c'], 3])
  })

  it('of a further page does not land in another list', async () => {
    ready()
    await last(calls).answer({ ...images('a'), next: 'c1' })
    void search.list.more()
    const further = last(calls)
    act(() => search.text('fish'))
    await further.answer(images('b'))
    expect(shown()).toEqual(['a'])
    await last(calls).answer(hits('x'))
    expect([shown(), search.list.next]).toEqual([['x'], undefined])
  })

  it('that is a problem is shown, and asked for again', async () => {
    ready()
    await last(calls).answer({ detail: 'Milvus is starting' }, 503)
    expect([search.list.error?.status, search.list.error?.message]).toEqual([503, 'Milvus is starting'])
    act(() => search.retry())
    expect([calls.length, search.list.error]).toEqual([2, undefined])
  })

  it('is not waited for once the page is left', async () => {
    ready()
    end()
    await last(calls).answer(images('late'))
    expect([last(calls).signal?.aborted, shown()]).toEqual([true, []])
  })
})

describe('a collection that changes', () => {
  const many = Array.from({ length: 60 }, (_, n) => `i${n}`)

  it.each([
    ['grows a short list', ['a'], '', false, 'demo', true],
    ['does not make a long list jump', many, '', false, 'demo', false],
    ['does not make hits jump', ['a'], 'fish', false, 'demo', false],
    ['shows its end in a long list', many, '', true, 'demo', true],
    ['shows its end in hits', ['a'], 'fish', true, 'demo', true],
    ['changes nothing elsewhere', ['a'], '', true, 'other', false],
  ])('%s', async (_, ids, q, ended, name, again) => {
    ready()
    if (q) act(() => search.text(q))
    await last(calls).answer(q ? hits(...ids) : images(...ids))
    const before = calls.length
    act(() => search.changed(name, ended))
    expect(calls.length - before).toBe(again ? 1 : 0)
  })

  it('is shown when it is the first one there is', () => {
    collections.list = []
    flushSync()
    expect(calls).toEqual([])
    collections.list = [collection('new')]
    flushSync()
    expect(asked()).toEqual(['GET new/images?limit=60'])
  })
})
