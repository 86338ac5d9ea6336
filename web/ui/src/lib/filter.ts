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

/** conditionFor is the condition that finds a metadata value again, if one can. */
export function conditionFor(field: string, value: unknown, inList: boolean): Condition | undefined {
  if (!/^[A-Za-z0-9_.-]{1,64}$/.test(field) || !isScalar(value)) return undefined
  return { field, op: inList ? 'contains' : 'eq', value }
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
