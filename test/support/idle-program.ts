/** A program that only waits to be stopped, for tests of what all programs share. `--fails` makes its work fail, `--gets-ready` is busy until then. */
import { commonFlags, flag, leaderElectionFlags } from '@vpa/kube/flags.ts'
import { runProgram } from '@vpa/kube/program.ts'
import * as z from 'zod'

await runProgram({
  name: 'vpa-idle',
  flags: z.strictObject({
    ...commonFlags({ address: '127.0.0.1:0' }),
    ...leaderElectionFlags({ resourceName: 'vpa-idle' }),
    fails: flag.boolean(false).describe('Fail at once.'),
    getsReady: flag.boolean(false).describe('Connect until told to stop; what was to be read first then never comes.'),
  }),
  healthTimeout: () => undefined,
  async run({ config, signal, health, log, clock, namespace, lead }) {
    if (config.fails) throw new Error('it was asked for')
    if (config.getsReady) log.info('Getting ready')
    if (config.getsReady) await clock.sleep(600_000, signal)
    if (!(await lead(config.getsReady ? new Promise(() => {}) : Promise.resolve()))) return
    health.start()
    log.info('Working', { namespace })
    await clock.sleep(600_000, signal)
  },
})
