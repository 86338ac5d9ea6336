/** Condition is one condition on metadata that the page can show and remove. */
export interface Condition {
  field: string
  op: 'eq' | 'contains'
  value: string | number | boolean
}

/** formatConditions writes the API's JSON form: all conditions hold. */
export function formatConditions(conditions: Condition[]): string {
  if (conditions.length === 0) return ''
  const forms = conditions.map((condition) => ({ field: condition.field, [condition.op]: condition.value }))
  return JSON.stringify(forms.length === 1 ? forms[0] : { and: forms })
}

/** parseConditions reads what formatConditions wrote; anything else is no condition. */
export function parseConditions(text: string): Condition[] {
  let form: unknown
  try {
    form = JSON.parse(text)
  } catch {
    return []
  }
  const list = isObject(form) && Array.isArray(form['and']) ? (form['and'] as unknown[]) : [form]
  return list.flatMap((item) => {
    const condition = parseCondition(item)
    return condition ? [condition] : []
  })
}

function parseCondition(form: unknown): Condition | undefined {
  if (!isObject(form) || typeof form['field'] !== 'string') return undefined
  for (const op of ['eq', 'contains'] as const) {
    const value = form[op]
    if (isScalar(value)) return { field: form['field'], op, value }
  }
  return undefined
}

/**
 * conditionFor is the condition that finds the value of a metadata key again, if one can. Integers that JavaScript has
 * rounded would find other values, and some characters cannot stand in the name of a field.
 */
export function conditionFor(key: string, value: unknown, inList: boolean): Condition | undefined {
  const length = [...key].length
  if (length < 1 || length > 64 || /["\\[\]\p{Cc}]/u.test(key) || !isScalar(value)) return undefined
  if (Number.isInteger(value) && !Number.isSafeInteger(value)) return undefined
  return { field: quoteKey(key), op: inList ? 'contains' : 'eq', value }
}

/** quoteKey writes a key so that its dots are no path. */
function quoteKey(key: string): string {
  return key.includes('.') || key.startsWith('`') ? '`' + key.replaceAll('`', '``') + '`' : key
}

export function sameCondition(a: Condition, b: Condition): boolean {
  return a.field === b.field && a.op === b.op && a.value === b.value
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

function isScalar(value: unknown): value is string | number | boolean {
  return ['string', 'number', 'boolean'].includes(typeof value)
}
