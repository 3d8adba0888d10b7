export type Labels = Readonly<Record<string, string>>

/** A label selector as workloads carry it; all parts must hold. Source: metav1.LabelSelector. */
export interface LabelSelector {
  readonly matchLabels?: Labels
  readonly matchExpressions?: readonly LabelRequirement[]
}

export interface LabelRequirement {
  readonly key: string
  readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist'
  readonly values?: readonly string[]
}

/** An empty selector matches everything, as in Kubernetes. It runs once for each pod and selector, so it allocates nothing. */
export function matchesSelector({ matchLabels, matchExpressions }: LabelSelector, labels: Labels): boolean {
  for (const key in matchLabels) if (labels[key] !== matchLabels[key]) return false
  for (const requirement of matchExpressions ?? NO_REQUIREMENTS) if (!holds(requirement, ownLabel(labels, requirement.key))) return false
  return true
}

/** `constructor` is a label like any other; every object of JavaScript seems to have it. */
function ownLabel(labels: Labels, key: string): string | undefined {
  return Object.hasOwn(labels, key) ? labels[key] : undefined
}

const NO_REQUIREMENTS: readonly LabelRequirement[] = []

/** As `kubectl` takes it, keys sorted: `app=web,tier in (a,b),!canary`. Equal selectors have equal text. */
export function formatSelector(selector: LabelSelector): string {
  const equalities = Object.entries(selector.matchLabels ?? {}).map(([key, value]) => ({ key, text: `${key}=${value}` }))
  const expressions = (selector.matchExpressions ?? []).map((requirement) => ({ key: requirement.key, text: expressionText(requirement) }))
  const parts = [...equalities, ...expressions].toSorted((a, b) => compareText(a.key, b.key) || compareText(a.text, b.text))
  return parts.map(({ text }) => text).join(',')
}

function holds({ operator, values = [] }: LabelRequirement, actual: string | undefined): boolean {
  switch (operator) {
    case 'In':
      return actual !== undefined && values.includes(actual)
    case 'NotIn':
      return actual === undefined || !values.includes(actual)
    case 'Exists':
      return actual !== undefined
    case 'DoesNotExist':
      return actual === undefined
  }
}

function expressionText({ key, operator, values = [] }: LabelRequirement): string {
  switch (operator) {
    case 'In':
      return `${key} in (${values.toSorted().join(',')})`
    case 'NotIn':
      return `${key} notin (${values.toSorted().join(',')})`
    case 'Exists':
      return key
    case 'DoesNotExist':
      return `!${key}`
  }
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : Number(a > b)
}
