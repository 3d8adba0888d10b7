import { quantity } from '@vpa/core/quantity.ts'
import { expect, test } from 'vitest'
import * as z from 'zod'
import { parseConfig } from './config.ts'
import { commonFlags, flag, leaderElectionFlags } from './flags.ts'

const schema = z.strictObject({
  ...commonFlags({ address: ':8942' }),
  ...leaderElectionFlags({ resourceName: 'vpa-recommender-lease' }),
  recommenderInterval: flag.duration('1m', { min: 1 }).describe('How often recommendations are made.'),
  evictionRateLimit: flag.number(-1).describe('Evictions per second.'),
  targetCpuPercentile: flag.number(0.9, { min: 0, max: 1 }).describe('Percentile of CPU usage.'),
  minReplicas: flag.integer(2).describe('Replicas.'),
  memorySaver: flag.boolean(false).describe('Save memory.'),
  maxAllowedCpu: flag.quantity().describe('Most CPU.'),
  storage: flag.text('').describe('Where history is kept.'),
})

function parse(line: string) {
  return parseConfig(schema, line.split(' ').filter((word) => word !== ''))
}

test.for([
  ['nothing given: defaults', '', { recommenderInterval: 60_000, minReplicas: 2, memorySaver: false, v: 4, storage: '', ignoredVpaObjectNamespaces: [] }],
  ['a value after a space', '--recommender-interval 1h30m', { recommenderInterval: 5_400_000 }],
  ['a value after =', '--recommender-interval=30s', { recommenderInterval: 30_000 }],
  ['a value that holds =', '--storage=a=b', { storage: 'a=b' }],
  ['an empty value', '--storage=', { storage: '' }],
  ['a negative value after a space', '--eviction-rate-limit -0.5', { evictionRateLimit: -0.5 }],
  ['a switch', '--memory-saver', { memorySaver: true }],
  ['a switch takes no word after it', '--memory-saver --storage x', { memorySaver: true, storage: 'x' }],
  ['a switch turned off', '--memory-saver=false', { memorySaver: false }],
  ['a switch as Go writes it', '--memory-saver=T', { memorySaver: true }],
  ['underscores', '--memory_saver --min_replicas 3', { memorySaver: true, minReplicas: 3 }],
  ['underscores of a value stay', '--storage=a_b', { storage: 'a_b' }],
  ['the last one counts', '--min-replicas 3 --min-replicas 1', { minReplicas: 1 }],
  ['-v=2', '-v=2', { v: 2 }],
  ['-v 2', '-v 2', { v: 2 }],
  ['-v2', '-v2', { v: 2 }],
  ['--v=2', '--v=2', { v: 2 }],
  ['a quantity', '--max-allowed-cpu 1500m', { maxAllowedCpu: quantity('1500m') }],
  ['a list, nothing trimmed', '--ignored-vpa-object-namespaces a,,b', { ignoredVpaObjectNamespaces: ['a', '', 'b'] }],
  ['-- ends', '--min-replicas 3 --', { minReplicas: 3 }],
  ['klog flags are accepted', '--stderrthreshold=info --logtostderr --add_dir_header=true', { minReplicas: 2 }],
  ['an address', '--address 127.0.0.1:0', { address: { host: '127.0.0.1', port: 0 } }],
  ['no gate', '', { featureGates: { PerVPAConfig: false, CPUStartupBoost: false, InPlace: false } }],
  ['gates', '--feature-gates=PerVPAConfig=true,InPlace=false', { featureGates: { PerVPAConfig: true, CPUStartupBoost: false, InPlace: false } }],
  ['gates add up', '--feature-gates PerVPAConfig=true --feature-gates InPlace=true', { featureGates: { PerVPAConfig: true, CPUStartupBoost: false, InPlace: true } }],
  ['AllAlpha, but for what is named', '--feature-gates InPlace=false,AllAlpha=true,AllBeta=true', { featureGates: { PerVPAConfig: true, CPUStartupBoost: true, InPlace: false } }],
] as const)('%s', ([, line, expected]) => {
  expect(parse(line)).toEqual({ config: expect.objectContaining(expected) })
})

test.for([
  ['a mistyped flag', '--recomender-interval=1m', 'unknown flag --recomender-interval; did you mean --recommender-interval?'],
  ['a long flag with one hyphen', '-kubeconfig=x', 'unknown flag -kubeconfig; did you mean --kubeconfig?'],
  ['a flag like no other', '--colour', 'unknown flag --colour; --help lists all'],
  ['a name that objects have', '--constructor', 'unknown flag --constructor; --help lists all'],
  ['a word', 'run', 'unexpected argument "run": only flags are taken'],
  ['a word after --', '-- --storage', 'unexpected argument "--storage": only flags are taken'],
  ['a word after a switch', '--memory-saver true', 'unexpected argument "true": only flags are taken'],
  ['no value', '--storage', '--storage: a value is missing (text)'],
  ['a bad duration', '--recommender-interval=1x', '--recommender-interval: not a duration, such as 90s or 1h30m: "1x"'],
  ['a duration without unit', '--recommender-interval=60', '--recommender-interval: not a duration, such as 90s or 1h30m: "60"'],
  ['no time at all', '--recommender-interval=0s', '--recommender-interval: must not be less than 1ms: 0s'],
  ['a bad quantity', '--max-allowed-cpu=1core', '--max-allowed-cpu: not a quantity, such as 250m or 1.5Gi: "1core"'],
  ['an empty quantity', '--max-allowed-cpu=', '--max-allowed-cpu: not a quantity, such as 250m or 1.5Gi: ""'],
  ['a bad number', '--target-cpu-percentile=90%', '--target-cpu-percentile: not a number, such as 0.9: "90%"'],
  ['NaN', '--target-cpu-percentile=NaN', '--target-cpu-percentile: not a number, such as 0.9: "NaN"'],
  ['a number out of range', '--target-cpu-percentile=90', '--target-cpu-percentile: must not be less than 0 or more than 1: 90'],
  ['half a replica', '--min-replicas=1.5', '--min-replicas: not a whole number, such as 10: "1.5"'],
  ['a bad boolean', '--memory-saver=yes', '--memory-saver: not a boolean, such as true or false: "yes"'],
  ['a bad address', '--address=8942', '--address: not an address, such as :8942 or 127.0.0.1:8942: "8942"'],
  ['a bad choice', '--log-format=xml', '--log-format: not one of auto, json, text: "xml"'],
  ['an unknown gate', '--feature-gates=InPlaceOrRecreate=true', '--feature-gates: not a feature gate (CPUStartupBoost, InPlace, PerVPAConfig, AllAlpha, AllBeta): "InPlaceOrRecreate"'],
  ['a gate without value', '--feature-gates=InPlace', '--feature-gates: not a feature gate with its value, such as InPlace=true: "InPlace"'],
  ['one namespace and all but some', '--vpa-object-namespace=a --ignored-vpa-object-namespaces=b', '--vpa-object-namespace and --ignored-vpa-object-namespaces exclude each other: give one of them'],
  ['a lease shorter than its renewal', '--leader-elect-lease-duration=5s', '--leader-elect-lease-duration must be longer than --leader-elect-renew-deadline'],
  ['a renewal with room for one try', '--leader-elect-retry-period=9s', '--leader-elect-renew-deadline must be longer than 1.2 times --leader-elect-retry-period'],
] as const)('%s is refused', ([, line, problem]) => {
  expect(parse(line)).toEqual({ problem })
})

test('help tells every flag, its form, its default and what it is for', () => {
  const small = z.strictObject({
    interval: flag.duration('1m').describe('How often.'),
    dryRun: flag.boolean(false).describe('Change nothing.'),
    maxAllowedCpu: flag.quantity().describe('Most CPU.'),
  })
  const parsed = parseConfig(small, ['-h'])
  expect('help' in parsed && parsed.help).toMatchInlineSnapshot(`
    "Flags:
      --dry-run (default false)
            Change nothing.
      --interval duration (default 1m)
            How often.
      --max-allowed-cpu quantity
            Most CPU.
    "
  `)
})

test('the configuration is frozen', () => {
  const parsed = parse('')
  expect('config' in parsed && Object.isFrozen(parsed.config)).toBe(true)
})
