import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { AxeResults } from 'axe-core'
import { type Browser, type BrowserContextOptions, type Page, chromium } from 'playwright-core'
import { expect, onTestFinished } from 'vitest'

const FINDER = new URL('../../hack/chromium.sh', import.meta.url).pathname

/** Undefined where there is none and none can be installed; what is missing was said on the error stream. */
export function findChromium(): string | undefined {
  const { status, stdout } = spawnSync('bash', [FINDER], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'], timeout: 600_000 })
  return status === 0 ? stdout.trim() : undefined
}

export function launch(executablePath: string): Promise<Browser> {
  // Chromium's own sandbox does not start for root; what is opened is our own page. /dev/shm is small in containers.
  return chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-dev-shm-usage'] })
}

/**
 * A page of its own that has gone to this address. At the end of the test it fails if the page had an error, broke its content security
 * policy, or asked anybody else than its server.
 */
export async function open(browser: Browser, url: string, options: BrowserContextOptions = {}): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 1360, height: 900 }, timezoneId: 'UTC', locale: 'en-GB', ...options })
  context.setDefaultTimeout(60_000)
  const page = await context.newPage()
  const wrong: string[] = []
  page.on('pageerror', ({ message }) => wrong.push(message))
  // That a server is away is told by the browser, too.
  page.on('console', (message) => message.type() === 'error' && !message.text().startsWith('Failed to load resource') && wrong.push(message.text()))
  page.on('request', (request) => request.url().startsWith(new URL('.', url).href) || wrong.push(`asked ${request.url()}`))
  onTestFinished(async () => {
    await context.close()
    expect(wrong).toEqual([])
  })
  await page.goto(url)
  return page
}

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** What axe-core finds against WCAG 2.2 A and AA: rule and place, a line each. */
export async function barriers(page: Page): Promise<readonly string[]> {
  // The page's own policy lets no script in; the inspector may.
  const inspector = await page.context().newCDPSession(page)
  await inspector.send('Runtime.evaluate', { expression: AXE })
  const run = "axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }).then(JSON.stringify)"
  const { result } = await inspector.send('Runtime.evaluate', { expression: run, awaitPromise: true })
  const { violations } = JSON.parse(String(result.value)) as AxeResults
  return violations.flatMap(({ id, nodes }) => nodes.map(({ target, failureSummary = '' }) => `${id}: ${target.join(' ')}: ${failureSummary.split('\n').slice(1, 2).join('').trim()}`))
}
