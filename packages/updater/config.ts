import { commonFlags, flag, leaderElectionFlags } from '@vpa/kube/flags.ts'
import * as z from 'zod'

/** The updater's command line (upstream: pkg/updater/config). */
export const Config = z.strictObject({
  ...commonFlags({ address: ':8943' }),
  ...leaderElectionFlags({ resourceName: 'vpa-updater' }),
  updaterInterval: flag.duration('1m', { min: 1 }).describe('How often pods are looked at.'),
  minReplicas: flag.integer(2).describe('Pods that a group must have before any of them is updated; a VPA may name its own number.'),
  evictionTolerance: flag.number(0.5, { min: 0 }).describe('Share of a group that may be missing because of updates.'),
  evictionRateLimit: flag.number(-1).describe('Evictions per second; zero or less for no limit. Resizes in place have a limit of their own of the same size.'),
  evictionRateBurst: flag.integer(1, { min: 1 }).describe('Evictions at once.'),
  podUpdateThreshold: flag.number(0.1).describe('Pods within their recommended range are left alone while their difference from the target is smaller.'),
  inRecommendationBoundsEvictionLifetimeThreshold: flag.duration('12h').describe('Pods within their recommended range are left alone until they are this old.'),
  evictAfterOomThreshold: flag.duration('10m').describe('A container that runs out of memory sooner after its start, and not longer ago, has its pod updated.'),
  concurrentCpuStartupBoostSyncs: flag.integer(1, { min: 1 }).describe('Accepted and ignored: startup boosts are taken back in the loop, within --eviction-rate-limit.'),
  inPlaceSkipDisruptionBudget: flag.boolean(false).describe('Resize in place without regard to the eviction tolerance where no container restarts for it.'),
  verifyOutcome: flag.boolean(true).describe('Look at the pods that come instead of evicted ones, and hold back evictions that achieve nothing, or that would give a container less memory than it has just run out of. false: evict regardless, as the Go implementation does.'),
  outcomeBackOffBase: flag.duration('5m', { min: 1000 }).describe('How long a VPA waits after an eviction that achieved nothing; twice as long after each further one.'),
  outcomeBackOffCap: flag.duration('6h', { min: 1000 }).describe('The longest such wait.'),
  outcomeBreakerThreshold: flag.integer(3, { min: 1 }).describe('VPAs that may fail in a row before all evictions stop; also how many evictions a loop begins with.'),
  outcomeFlappingWindow: flag.duration('1h', { min: 0 }).describe('A pod that came instead of an evicted one is not evicted for the opposite reason within this time; 0 to allow it.'),
  useAdmissionControllerStatus: flag.boolean(true).describe('Only act while the admission controller renews its lease: a pod evicted without it comes back unchanged.'),
  admissionControllerStatusLeaseName: flag.text('vpa-admission-controller').describe("Name of the admission controller's lease."),
  admissionControllerStatusLeaseNamespace: flag.text('').describe("Namespace of the admission controller's lease. Empty: the environment's NAMESPACE, otherwise kube-system."),
  admissionControllerStatusLeaseTimeout: flag.duration('1m', { min: 1 }).describe('How old the lease may be.'),
})

export type Config = Readonly<z.output<typeof Config>>
