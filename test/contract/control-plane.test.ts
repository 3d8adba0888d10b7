import { readFile } from 'node:fs/promises'
import { kubeconfig } from '../e2e/control-plane.ts'
import { describeContract } from './contract.ts'

describeContract('a real control plane', () => readFile(kubeconfig, 'utf8'))
