export type Theme = 'auto' | 'light' | 'dark'

const order: Theme[] = ['auto', 'light', 'dark']

/** currentTheme is what the page shows; auto follows the system. */
export function currentTheme(): Theme {
  const theme = document.documentElement.dataset['theme']
  return theme === 'light' || theme === 'dark' ? theme : 'auto'
}

/** nextTheme changes to the theme after the given one and remembers it. */
export function nextTheme(theme: Theme): Theme {
  const next = order[(order.indexOf(theme) + 1) % order.length] ?? 'auto'
  if (next === 'auto') delete document.documentElement.dataset['theme']
  else document.documentElement.dataset['theme'] = next
  try {
    localStorage.setItem('theme', next)
  } catch {
    // storage is off: the choice lasts until the page is left
  }
  return next
}
