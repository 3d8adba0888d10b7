import type { LabelRequirement, LabelSelector } from '@vpa/core/selector.ts'

const SET = /^([^\s!=(),]+)\s+(in|notin)\s+\(([^()]*)\)$/
const EQUALITY = /^([^\s!=(),]+)\s*(=|==|!=)\s*([^\s!=(),]*)$/
const EXISTENCE = /^(!?)\s*([^\s!=(),]+)$/

/**
 * Reads a selector as scale subresources report it: `app=web,tier in (a,b),!canary` (apimachinery's labels.Parse).
 *
 * @returns undefined when the text is not a selector
 */
export function parseSelector(text: string): LabelSelector | undefined {
  const matchExpressions: LabelRequirement[] = []
  for (const part of partsOf(text)) {
    const requirement = parseRequirement(part.trim())
    if (requirement === undefined) return undefined
    matchExpressions.push(requirement)
  }
  return { matchExpressions }
}

/** At commas outside of parentheses; by hand, because a regular expression that looks ahead takes a minute for a text of 50,000 commas. */
function partsOf(text: string): readonly string[] {
  const parts: string[] = []
  let start = 0
  let isInSet = false
  for (let at = 0; at < text.length; at += 1) {
    if (text[at] === '(') isInSet = true
    else if (text[at] === ')') isInSet = false
    else if (text[at] === ',' && !isInSet) {
      parts.push(text.slice(start, at))
      start = at + 1
    }
  }
  return [...parts, text.slice(start)]
}

function parseRequirement(text: string): LabelRequirement | undefined {
  const [, setKey, set, values = ''] = SET.exec(text) ?? []
  if (setKey !== undefined) return { key: setKey, operator: set === 'in' ? 'In' : 'NotIn', values: values.split(',').map((value) => value.trim()) }
  const [, equalKey, sign, value = ''] = EQUALITY.exec(text) ?? []
  if (equalKey !== undefined) return { key: equalKey, operator: sign === '!=' ? 'NotIn' : 'In', values: [value] }
  const [, not, key] = EXISTENCE.exec(text) ?? []
  return key === undefined ? undefined : { key, operator: not === '' ? 'Exists' : 'DoesNotExist' }
}
