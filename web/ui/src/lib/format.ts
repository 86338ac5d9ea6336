/** formatDuration says how long something takes, roughly. */
export function formatDuration(seconds: number): string {
  if (!Number.isFinite(seconds) || seconds < 0) return ''
  if (seconds < 1) return 'less than a second'
  if (seconds < 90) return `${Math.round(seconds)} s`
  if (seconds < 90 * 60) return `${Math.round(seconds / 60)} min`
  return `${(seconds / 3600).toFixed(1)} h`
}

const numbers = new Intl.NumberFormat('en')

export const formatCount = (count: number): string => numbers.format(count)

/** formatPictures is such as “1 picture” or “1,200 pictures”. */
export const formatPictures = (count: number): string => `${formatCount(count)} ${count === 1 ? 'picture' : 'pictures'}`

/** formatRate says how many pictures a second. */
export function formatRate(rate: number): string {
  if (!Number.isFinite(rate) || rate <= 0) return ''
  return `${rate >= 10 ? Math.round(rate) : rate.toFixed(1)}/s`
}

/** nameOf is the last part of a URI, readable. */
export function nameOf(uri: string): string {
  const last = uri.replace(/[?#].*$/, '').split('/').filter(Boolean).at(-1) ?? uri
  try {
    return decodeURIComponent(last)
  } catch {
    return last
  }
}

/** placeOf is a URI as people write places: file paths without scheme. */
export function placeOf(uri: string): string {
  if (!uri.startsWith('file://')) return uri
  try {
    return decodeURIComponent(uri.slice('file://'.length))
  } catch {
    return uri
  }
}

const languageNames = new Intl.DisplayNames('en', { type: 'language' })

/** languageName is the English name of a language tag. */
export function languageName(tag: string): string {
  if (!tag) return 'unknown language'
  try {
    return languageNames.of(tag) ?? tag
  } catch {
    return tag
  }
}
