/**
 * npm run demo: the trio scales a proxy that its limit holds back, told as it happens.
 * The scenario is the one of Kong's article on the Vertical Pod Autoscaler.
 */
import { parseArgs } from 'node:util'
import { openCurrentCluster } from './current-cluster.ts'
import type { DemoCluster } from './demo-cluster.ts'
import { openLocalCluster } from './local-cluster.ts'
import { openSandboxCluster } from './sandbox-cluster.ts'
import { openRealCluster } from './real-cluster.ts'
import { tellRealStory } from './real-story.ts'
import type { StoryOptions } from './stage.ts'
import { tellKongStory } from './story.ts'
import { Transcript } from './transcript.ts'

const HELP = `npm run demo -- [--cluster sandbox|local|current] [--real-node] [--keep]

  --cluster sandbox   an embedded Kubernetes API; needs nothing but Node (default)
            local     a real control plane with KWOK nodes on this machine; its programs are built once, which needs Go
            current   the cluster of your kubectl context; its nodes must be KWOK's
  --real-node         with --cluster local, as root on Linux: real containers under real load, the trio installed by hack/vpa-up.sh
  --keep              leave it up at the end, to try by hand, until Ctrl-C`

const CLUSTERS: Readonly<Record<string, (transcript: Transcript) => Promise<DemoCluster>>> = {
  sandbox: openSandboxCluster,
  local: openLocalCluster,
  current: openCurrentCluster,
}

const interrupted = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => interrupted.abort(new Error('interrupted')))

process.exitCode = await main(process.argv.slice(2))

async function main(argv: string[]): Promise<number> {
  const options = readOptions(argv)
  if (typeof options === 'string') {
    console.error(options)
    return 2
  }
  if (options.help) {
    console.log(HELP)
    return 0
  }
  const transcript = new Transcript()
  const storyOptions = { transcript, keep: options.keep, signal: interrupted.signal }
  try {
    if (options['real-node']) await play(openRealCluster, tellRealStory, storyOptions)
    else await play(options.open, tellKongStory, storyOptions)
    return 0
  } catch (error) {
    console.error(`\nThe demo did not come to its end: ${error instanceof Error ? error.message : String(error)}`)
    return 1
  }
}

/** Opens a cluster, tells a story on it, closes it. */
async function play<Cluster extends { close(): Promise<void> }>(
  open: (transcript: Transcript) => Promise<Cluster>,
  tell: (cluster: Cluster, options: StoryOptions) => Promise<void>,
  options: StoryOptions,
): Promise<void> {
  const cluster = await open(options.transcript)
  try {
    await tell(cluster, options)
  } finally {
    await cluster.close()
  }
}

function readOptions(argv: string[]) {
  try {
    const { values } = parseArgs({
      args: argv,
      options: { cluster: { type: 'string', default: 'sandbox' }, 'real-node': { type: 'boolean', default: false }, keep: { type: 'boolean', default: false }, help: { type: 'boolean', short: 'h', default: false } },
    })
    const open = CLUSTERS[values.cluster]
    if (open === undefined) return `--cluster: expected sandbox, local or current, got ${JSON.stringify(values.cluster)}`
    if (values['real-node'] && values.cluster !== 'local') return '--real-node: expected with --cluster local, which starts the node'
    return { ...values, open }
  } catch (error) {
    return `${error instanceof Error ? error.message : String(error)}\n\n${HELP}`
  }
}
