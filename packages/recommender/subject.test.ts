import { projectVpa } from '@vpa/core/api/vpa.ts'
import { UsageHistory } from '@vpa/core/history/usage-history.ts'
import type { LabelSelector } from '@vpa/core/selector.ts'
import { DAY } from '@vpa/core/time.ts'
import { expect, test } from 'vitest'
import { type Subject, SubjectIndex, podCountOf } from './subject.ts'

function subject(name: string, createdAt: string, selector: LabelSelector | undefined): Subject {
  const vpa = projectVpa({ metadata: { namespace: 'default', name, creationTimestamp: createdAt } })
  return { vpa, target: selector ? { selector } : { unsupported: 'no such thing' }, groups: [] }
}

test('VPAs that share pods all learn from them; the policy of the oldest counts', () => {
  const history = new UsageHistory({ cpu: DAY, memory: DAY })
  for (const [name, hash] of [['a', '1'], ['b', '1'], ['c', '2']] as const) {
    history.setPod({ namespace: 'default', name, labels: { app: 'web', hash }, phase: 'Running', containers: [] }, 0)
  }
  const young = subject('young', '2026-02-01T00:00:00Z', { matchLabels: { app: 'web' } })
  const old = subject('old', '2026-01-01T00:00:00Z', { matchLabels: { hash: '1' } })
  const broken = subject('broken', '2025-01-01T00:00:00Z', undefined)
  const index = new SubjectIndex([young, old, broken])
  index.link(history.groups())
  expect([young, old, broken].map(podCountOf)).toEqual([3, 2, 0])
  expect([...history.groups()].map((group) => index.ofGroup(group)?.vpa.name)).toEqual(['old', 'young'])
})
