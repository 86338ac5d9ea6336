import type { Component } from 'svelte'
import type { App } from '../lib/app.svelte'
import type { PageName } from '../lib/url'
import Search from './Search.svelte'

/** pages is what is shown at the paths of lib/url.ts. A new page is a path there and a line here. */
export const pages: Record<PageName, Component<{ app: App }>> = { search: Search }
