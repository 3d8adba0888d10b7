import { FLEET_ORDERS } from '@vpa/core/advise/fleet.ts'
import { DEFAULT_PRICES } from '@vpa/core/advise/price.ts'
import { EXPLICIT_UPDATE_MODES } from '@vpa/core/api/update-mode.ts'
import { ApiError } from '@vpa/kube/api-error.ts'
import { messageOf } from '@vpa/kube/error-message.ts'
import { NoVpaKind } from '@vpa/kube/snapshot.ts'
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander'
import { type CreateFlags, create } from './create.ts'
import { type DiffFlags, diff } from './diff.ts'
import { type ExplainFlags, explain } from './explain.ts'
import { EXIT, type ExitCode, Problem } from './problem.ts'
import { type GetFlags, get } from './get.ts'
import { type PreviewFlags, preview } from './preview.ts'
import { type ReportFlags, report } from './report.ts'
import own from './package.json' with { type: 'json' }
import type { Terminal } from './terminal.ts'

/** Runs one command line from its first word to its exit code. Never throws. */
export async function runCommandLine(argv: readonly string[], terminal: Terminal): Promise<ExitCode> {
  const answer: { code: ExitCode } = { code: EXIT.done }
  try {
    await commandLine(terminal, (code) => (answer.code = code)).parseAsync([...argv], { from: 'user' })
    return answer.code
  } catch (error) {
    // Commander has printed its own complaint by now; help and version come this way, too.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage
    terminal.err(`error: ${explainError(error)}\n`)
    return error instanceof Problem ? error.code : EXIT.failed
  }
}

function explainError(error: unknown): string {
  if (error instanceof NoVpaKind) return `${error.message}: install the Vertical Pod Autoscaler with hack/vpa-up.sh, or choose another cluster with --context`
  if (error instanceof ApiError && error.status === 401) return `the API server does not accept your credentials (401): ${error.message}`
  return messageOf(error)
}

type Done = (code: ExitCode) => void

function commandLine(terminal: Terminal, done: Done): Command {
  const program = new Command('kubectl vpa')
    .description('What the Vertical Pod Autoscaler recommends, why, what it would do, and what is in its way.')
    .version(own.version, '--version', 'print the version of this plugin')
    .exitOverride()
    .configureOutput({ writeOut: terminal.out, writeErr: terminal.err, getOutHasColors: () => terminal.colours, getErrHasColors: () => false })
    .showHelpAfterError('(--help tells more)')
    .addHelpText('after', '\nExit codes: 0 done; 1 found what --fail-on or --exit-code looks for; 2 wrong usage; 3 could not be done.')
  addGet(program, terminal, done)
  addExplain(program, terminal, done)
  addPreview(program, terminal, done)
  addCreate(program, terminal, done)
  addDiff(program, terminal, done)
  addReport(program, terminal, done)
  return program
}

function addGet(program: Command, terminal: Terminal, done: Done): void {
  withPriceFlags(withClusterFlags(program.command('get').argument('[name...]', 'VPAs; all of the namespace unless told')))
    .summary('requests, recommendations and what the difference costs, the greatest waste first')
    .addOption(choice('-o, --output <format>', ['table', 'wide', 'json', 'yaml'], 'table'))
    .addOption(choice('--sort <order>', FLEET_ORDERS, 'waste'))
    .option('-w, --watch', 'show it again whenever it changes')
    .action(async (names: string[], flags: GetFlags) => done(await get(terminal, names, flags)))
}

function addExplain(program: Command, terminal: Terminal, done: Done): void {
  withSystemNamespace(withClusterFlags(program.command('explain').argument('<vpa>', 'the name of a VPA')))
    .summary('why this number, why pods were or were not updated, and what is in the way')
    .addOption(choice('-o, --output <format>', ['text', 'json', 'yaml'], 'text'))
    .action(async (name: string, flags: ExplainFlags) => done(await explain(terminal, name, flags)))
}

function addPreview(program: Command, terminal: Terminal, done: Done): void {
  withSystemNamespace(withClusterFlags(program.command('preview').argument('<workload|file>', 'such as deployment/web, or a manifest; - for standard input')))
    .summary('what the admission controller and the updater would do, without doing it; also without a VPA')
    .addOption(choice('-o, --output <format>', ['text', 'json', 'yaml'], 'text'))
    .addOption(new Option('--mode <mode>', "as if the VPA were in this mode; its own unless told, Recreate where there is none").choices(EXPLICIT_UPDATE_MODES))
    .action(async (what: string, flags: PreviewFlags) => done(await preview(terminal, what, flags)))
}

function addCreate(program: Command, terminal: Terminal, done: Done): void {
  withClusterFlags(program.command('create').argument('[workload...]', 'such as deployment/web'))
    .summary('VPAs for workloads that have none, as YAML or into the cluster')
    .option('--all', 'for every workload without a VPA')
    .addOption(choice('--mode <mode>', EXPLICIT_UPDATE_MODES, 'Off'))
    .option('--apply', 'create them instead of printing them')
    .action(async (workloads: string[], flags: CreateFlags) => done(await create(terminal, workloads, flags)))
}

function addDiff(program: Command, terminal: Terminal, done: Done): void {
  withClusterFlags(program.command('diff').argument('[vpa...]', 'VPAs; all of the namespace unless told'))
    .summary('what to change in manifests so that they say what is recommended')
    .option('-f, --filename <file...>', 'manifests to compare with: prints unified diffs instead of patches')
    .option('--exit-code', 'end with 1 when there are differences')
    .action(async (names: string[], flags: DiffFlags) => done(await diff(terminal, names, flags)))
}

function addReport(program: Command, terminal: Terminal, done: Done): void {
  withPriceFlags(withClusterFlags(program.command('report')))
    .summary('the fleet on one page; of all namespaces unless told one')
    .addOption(choice('-o, --output <format>', ['html', 'csv', 'json', 'markdown'], 'markdown'))
    .addOption(new Option('--fail-on <severity>', 'end with 1 when a container is this or worse').choices(['ok', 'warning', 'critical']))
    .action(async (flags: ReportFlags) => done(await report(terminal, flags)))
}

function withSystemNamespace(command: Command): Command {
  return command.option('--system-namespace <name>', 'where the three programs run', 'kube-system')
}

function withClusterFlags(command: Command): Command {
  return command
    .option('-n, --namespace <name>', "where to look; the context's namespace unless told")
    .option('-A, --all-namespaces', 'look everywhere')
    .option('--context <name>', 'the context of the kubeconfig; its current one unless told')
    .option('--kubeconfig <file>', 'instead of $KUBECONFIG and ~/.kube/config')
}

function withPriceFlags(command: Command): Command {
  return command
    .addOption(new Option('--cpu-price <amount>', 'of a core for an hour').default(DEFAULT_PRICES.cpuCoreHour).argParser(price))
    .addOption(new Option('--memory-price <amount>', 'of a GiB for an hour').default(DEFAULT_PRICES.memoryGibHour).argParser(price))
    .option('--currency <sign>', 'what money begins with', '$')
}

function choice(flags: string, choices: readonly string[], fallback: string): Option {
  return new Option(flags).choices(choices).default(fallback)
}

function price(text: string): number {
  const amount = Number(text)
  if (text.trim() === '' || !Number.isFinite(amount) || amount < 0) throw new InvalidArgumentError('expected an amount of money, such as 0.03.')
  return amount
}
