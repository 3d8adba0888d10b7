import { expect, test } from 'vitest'
import { projectVpa, resourceListJson } from '../api/vpa.ts'
import { quantity } from '../quantity.ts'
import { postProcess } from './post-process.ts'

const ANNOTATION = { 'vpa-post-processor.kubernetes.io/app_integerCPU': 'true' }
const cpu = (text: string) => ({ cpu: quantity(text), memory: quantity('100Mi') })
const RECOMMENDATION = [{ containerName: 'app', target: cpu('8600m'), lowerBound: cpu('5200m'), upperBound: cpu('9'), uncappedTarget: cpu('8600m') }]

test.for([
  ['whole cores where the annotation asks for them', ANNOTATION, true, undefined, ['6', '9', '9', '9']],
  ['not without the flag', ANNOTATION, false, undefined, ['5200m', '8600m', '9', '8600m']],
  ['not without the annotation', {}, true, undefined, ['5200m', '8600m', '9', '8600m']],
  ['only exactly true is true', { 'vpa-post-processor.kubernetes.io/app_integerCPU': 'True' }, true, undefined, ['5200m', '8600m', '9', '8600m']],
  ['caps come last, as upstream', ANNOTATION, true, '7500m', ['6', '7500m', '7500m', '9']],
] as const)('%s', ([, annotations, integerCpu, maxCpu, expected]) => {
  const vpa = projectVpa({ metadata: { annotations } })
  const [container] = postProcess(RECOMMENDATION, vpa, { integerCpu, globalMaxAllowed: maxCpu ? { cpu: quantity(maxCpu) } : {} })
  const amounts = [container?.lowerBound, container?.target, container?.upperBound, container?.uncappedTarget]
  expect(amounts.map((list) => resourceListJson(list ?? {}).cpu)).toEqual(expected)
  expect(amounts.every((list) => resourceListJson(list ?? {}).memory === '100Mi')).toBe(true)
})

test('of the annotations of a VPA, only those that are read are kept, and of as many containers as there may be policies', () => {
  const many = Object.fromEntries(Array.from({ length: 3000 }, (_, index) => [`vpa-post-processor.kubernetes.io/c${index}_integerCPU`, 'true']))
  const { annotations } = projectVpa({ metadata: { annotations: { ...ANNOTATION, 'kubectl.kubernetes.io/last-applied-configuration': '{}', ...many } } })
  expect(Object.keys(annotations)).toHaveLength(100)
  expect(annotations).toMatchObject(ANNOTATION)
})
