import { isRecord } from './object.ts'

const STEP = /\.([^.[\]]+)|\[(\d+)\]|\[\?\(@\.([\w.]+)==['"]([^'"]*)['"]\)\]/y

/** The first value at a path as printer columns write it: `.a.b[0].c`, `.conditions[?(@.type=='Ready')].status`. */
export function valueAtJsonPath(object: unknown, path: string): unknown {
  const step = new RegExp(STEP)
  let at = object
  for (let match = step.exec(path); match !== null; match = step.exec(path)) {
    const [, member, index, field = '', value] = match
    if (member !== undefined) at = isRecord(at) ? at[member] : undefined
    else if (!Array.isArray(at)) return undefined
    else if (index !== undefined) at = at[Number(index)]
    else at = at.find((element) => isRecord(element) && element[field] === value)
    if (step.lastIndex === path.length) return at
  }
  return undefined
}
