import { defineConfig } from 'vitest/config'

/** Vitest's second is too short on a machine with other work. */
const PATIENT = { poll: { timeout: 20_000 } }

const root = new URL('..', import.meta.url).pathname

/**
 * `unit` needs nothing but Node; `cluster` needs the real control plane whose kubeconfig hack/test.ts puts into the environment,
 * `node` the one with a real node that hack/e2e-node.ts starts.
 */
export default defineConfig({
  test: {
    projects: [
      { test: { name: 'unit', root, testTimeout: 30_000, hookTimeout: 120_000, expect: PATIENT, setupFiles: ['test/support/property-seed.ts'], include: ['packages/**/*.test.ts', 'hack/**/*.test.ts', 'test/*.test.ts', 'test/chaos/*.test.ts', 'test/soak/*.test.ts', 'test/contract/sandbox.test.ts', 'test/parity/*.test.ts', 'test/side-by-side/*.test.ts'] } },
      {
        test: {
          name: 'node',
          root,
          include: ['test/e2e-node/*.test.ts'],
          testTimeout: 300_000,
          hookTimeout: 240_000,
          expect: PATIENT,
          // They wait for kubelets and measurements, not for this process.
          maxConcurrency: 20,
        },
      },
      // Kills the control plane's own processes, so nothing else can share it.
      { test: { name: 'chaos', root, include: ['test/chaos/alone/*.test.ts'], testTimeout: 300_000, hookTimeout: 240_000, expect: PATIENT } },
      // In a real browser, which test/browser/browser.ts finds.
      { test: { name: 'browser', root, include: ['test/browser/*.test.ts'], testTimeout: 120_000, hookTimeout: 300_000, expect: { poll: { timeout: 60_000 } } } },
      {
        test: {
          name: 'cluster',
          root,
          setupFiles: ['test/support/property-seed.ts'],
          include: ['test/contract/control-plane.test.ts', 'test/e2e/*.test.ts', 'test/chaos/cluster/*.test.ts', 'test/prometheus/*.test.ts', 'test/chart/*.test.ts'],
          testTimeout: 300_000,
          hookTimeout: 120_000,
          expect: PATIENT,
        },
      },
    ],
  },
})
