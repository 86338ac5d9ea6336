/** isShortcut tells whether a key may mean something to the page: not one that is typed into a field, or pressed while a dialog is open. */
export function isShortcut(event: KeyboardEvent): boolean {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return false
  return !(event.target as Element).closest('input, textarea, select') && !document.querySelector('dialog[open]')
}
