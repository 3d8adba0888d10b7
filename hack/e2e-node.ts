/**
 * The tests on a node with real containers, alone.
 *
 *   npm run e2e:node [-- OPTION...]     options are vitest's, such as -t NAME
 */
import { realNodeStage } from './real-node-stage.ts'
import { runStages } from './test-stage.ts'

await runStages(async (scratch) => await realNodeStage(scratch, process.argv.slice(2)))
