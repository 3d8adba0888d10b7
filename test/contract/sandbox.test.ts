import { startSandbox } from '@vpa/sandbox/sandbox.ts'
import { afterAll } from 'vitest'
import { describeContract } from './contract.ts'

const sandbox = await startSandbox()
afterAll(() => sandbox.stop())

describeContract('the sandbox', async () => sandbox.kubeconfig)
