import { readFile, readdir } from 'node:fs/promises'
import { basename } from 'node:path'

/** What the kubelet or a container network could change for the whole machine. */
const KERNEL_SETTINGS = ['vm/overcommit_memory', 'vm/panic_on_oom', 'kernel/panic', 'kernel/panic_on_oops', 'kernel/keys/root_maxkeys', 'kernel/keys/root_maxbytes', 'net/ipv4/ip_forward', 'net/netfilter/nf_conntrack_max']

/**
 * One line for each mount, cgroup, network interface and kernel setting of this machine, and for each process that has to do with a folder.
 * Cgroups of real nodes in other folders are left out: they may run at the same time.
 */
export async function tracesOnThisMachine(folder: string): Promise<ReadonlySet<string>> {
  const mounts = lines(await readFile('/proc/mounts', 'utf8'))
  const hierarchies = mounts.filter((mount) => mount.split(' ')[2]?.startsWith('cgroup')).map((mount) => mount.split(' ')[1] ?? '')
  const cgroups = await Promise.all(hierarchies.map(async (hierarchy) => (await foldersIn(hierarchy)).filter((name) => !name.startsWith('vpa-real-node') || name.includes(basename(folder))).map((name) => `cgroup ${hierarchy}/${name}`)))
  const interfaces = (await readdir('/sys/class/net')).map((name) => `network interface ${name}`)
  const settings = await Promise.all(KERNEL_SETTINGS.map(async (name) => `kernel setting ${name} = ${await readFile(`/proc/sys/${name}`, 'utf8').catch(() => 'none')}`.trim()))
  return new Set([...mounts.map((mount) => `mount ${mount}`), ...cgroups.flat(), ...interfaces, ...settings, ...(await processesOf(folder))])
}

/** What is there now and was not before. */
export function addedTraces(before: ReadonlySet<string>, after: ReadonlySet<string>): readonly string[] {
  return [...after].filter((trace) => !before.has(trace))
}

async function processesOf(folder: string): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name) && name !== String(process.pid))
  // One may end while we look.
  const commands = await Promise.all(pids.map(async (pid) => `process ${pid} ${(await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).replaceAll('\0', ' ').trim()}`))
  return commands.filter((command) => command.includes(folder))
}

async function foldersIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => [])
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name)
}

function lines(text: string): string[] {
  return text.split('\n').filter((line) => line !== '')
}
