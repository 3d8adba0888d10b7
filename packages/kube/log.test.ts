import { expect, test } from 'vitest'
import { createLog, type LogOptions } from './log.ts'

function written(options: Partial<LogOptions>, use: (log: ReturnType<typeof createLog>) => void): string {
  let text = ''
  const destination = { write: (line: string) => void (text += line) }
  use(createLog({ verbosity: 4, format: 'json', clock: { now: () => 0 }, colors: false, destination, ...options }))
  return text
}

test('a line is level, time, message and fields', () => {
  expect(written({}, (log) => log.info('Fetched VPAs', { count: 2 }))).toBe(
    '{"level":"info","ts":"1970-01-01T00:00:00.000Z","count":2,"msg":"Fetched VPAs"}\n',
  )
})

test('a child adds its fields to every line', () => {
  expect(written({}, (log) => log.child({ vpa: 'kong/kong-vpa' }).warn('skipped'))).toContain('"vpa":"kong/kong-vpa","msg":"skipped"')
})

test('an error is written with its causes and stack, and without what else it carries', () => {
  const error = Object.assign(new Error('no metrics', { cause: new Error('503') }), { request: { authorization: 'Bearer secret' } })
  const line = written({}, (log) => log.error('tick failed', { error }))
  expect(JSON.parse(line).error.message).toBe('no metrics: 503')
  expect(JSON.parse(line).error.stack).toContain('log.test.ts')
  expect(line).not.toContain('secret')
})

test.for([
  [-1, ['warn', 'error']],
  [0, ['warn', 'error']],
  [1, ['info', 'warn', 'error']],
  [4, ['info', 'warn', 'error']],
  [5, ['debug', 'info', 'warn', 'error']],
] as const)('verbosity %d shows %j', ([verbosity, shown]) => {
  const lines = written({ verbosity }, (log) => (['debug', 'info', 'warn', 'error'] as const).forEach((level) => log[level]('x')))
  expect(lines.trim().split('\n').map((line) => JSON.parse(line).level)).toEqual(shown)
})

test('the text format is for people', () => {
  expect(written({ format: 'text' }, (log) => log.info('Evicting pod', { pod: 'kong/a', n: 1 }))).toMatchInlineSnapshot(`
    "[00:00:00] INFO: Evicting pod {"pod":"kong/a","n":1}
    "
  `)
})
