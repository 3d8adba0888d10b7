import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { ProgramName } from '../../hack/program-names.ts'
import { run } from './measured-program.ts'

export interface Command {
  readonly command: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
}

const fileOf = (path: string) => fileURLToPath(new URL(path, import.meta.url))

/** Writes our programs into dist/, as they are in the image. */
export async function bundlePrograms(): Promise<void> {
  const { code } = await run(process.execPath, [fileOf('../../hack/bundle.ts')])
  if (code !== 0) throw new Error('our programs could not be bundled')
}

/** How a bundled program is run in its container: the Dockerfile's environment, and its Deployment's command and memory limit, are what its memory depends on. */
export async function bundledCommand(name: ProgramName, nodeOptions: readonly string[] = []): Promise<Command> {
  const dockerfile = await readFile(fileOf('../../hack/Dockerfile'), 'utf8')
  const deployment = await readFile(fileOf(`../../manifests/${name}.yaml`), 'utf8')
  const limitMib = Number(/limits:\n.*cpu:.*\n\s+memory: (\d+)Mi/.exec(deployment)?.[1])
  const heapOfLimit = (text: string) => text.replace(/--max-old-space-size-percentage=(\d+)/, (_, percent: string) => `--max-old-space-size=${Math.round((limitMib * Number(percent)) / 100)}`)
  const env = [...dockerfile.matchAll(/^(?:ENV|   ) (NODE_OPTIONS|MALLOC_\w+)=(?:"([^"]*)"|(\S+))/gm)].map(([, variable = '', quoted, plain]) => [variable, heapOfLimit(quoted ?? plain ?? '')] as const)
  // command: [node, --max-semi-space-size=2, /app/vpa-admission-controller.mjs]
  const flags = /command: \[node, (.*), \/app\//.exec(deployment)?.[1]?.split(', ') ?? []
  return { command: process.execPath, args: [...flags, ...nodeOptions, fileOf(`../../dist/vpa-${name}.mjs`)], env: Object.fromEntries(env) }
}
