/** A program that only waits to be stopped, for tests of what all programs share. `--fails` makes its work fail. */
import { commonFlags, flag, leaderElectionFlags } from '@vpa/kube/flags.ts'
import { runProgram } from '@vpa/kube/program.ts'
import * as z from 'zod'

await runProgram({
  name: 'vpa-idle',
  flags: z.strictObject({
    ...commonFlags({ address: '127.0.0.1:0' }),
    ...leaderElectionFlags({ resourceName: 'vpa-idle' }),
    fails: flag.boolean(false).describe('Fail at once.'),
  }),
  healthTimeout: () => undefined,
  async run({ config, signal, health, log, clock, namespace, lead }) {
    if (config.fails) throw new Error('it was asked for')
    if (!(await lead(Promise.resolve()))) return
    health.start()
    log.info('Working', { namespace })
    await clock.sleep(600_000, signal)
  },
})
