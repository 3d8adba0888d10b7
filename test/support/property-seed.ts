import { randomInt } from 'node:crypto'
import { configureGlobal } from 'fast-check'

const { FUZZ_CASES, FUZZ_SEED } = process.env

/**
 * Properties try the same cases in every run: a red run can be repeated, a green one is no luck. The long form is to find what
 * was not tried yet: its cases are others each time, and its seed is told, so that it can be given again.
 */
const seed = FUZZ_SEED !== undefined ? Number(FUZZ_SEED) : FUZZ_CASES !== undefined ? randomInt(2 ** 31) : 20_240_124
if (FUZZ_CASES !== undefined) console.log(`FUZZ_SEED=${seed} gives the same cases again`)
configureGlobal({ seed })
