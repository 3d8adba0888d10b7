import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { VpaAnswer } from '@vpa/core/advise/dashboard-answer.ts'
import type { Browser, Page } from 'playwright-core'
import { runCommandLine } from 'kubectl-vpa/command-line.ts'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { barriers, findChromium, launch, open } from './browser.ts'
import { NO_VPAS, manyVpas, serve } from './dashboard-site.ts'
import { evictCheckout, shopCluster } from './shop-cluster.ts'

const chromium = findChromium()
/** Writes the pictures of the documentation, from a day at the shop instead of an hour and a half. */
const isForPictures = process.env['UPDATE_SCREENSHOTS'] === '1'
const IMAGES = new URL('../../docs/images/', import.meta.url).pathname

test.skipIf(chromium === undefined && process.env['CI'] === undefined)('there is a browser to test with', () => {
  expect(chromium).toBeDefined()
})

describe.skipIf(chromium === undefined)('the dashboard in a real browser', () => {
  let browser: Browser
  beforeAll(async () => {
    browser = await launch(chromium ?? '')
  })
  afterAll(() => browser.close())

  test('a shop: list, filter, sort, and the plots of one VPA, in light and dark', { timeout: 300_000 }, async () => {
    const cluster = await shopCluster(isForPictures ? 13 * 60 : 90)
    await evictCheckout(cluster)
    await cluster.run(isForPictures ? 50 : 5)
    const { url } = await serve(cluster.dashboard)
    const page = await open(browser, url)

    await expect.poll(() => names(page)).toHaveLength(11)
    expect(await page.getByRole('status').textContent()).toBe('11 VPAs')
    expect(await barriers(page)).toEqual([])
    await picture(page, 'dashboard.png')

    await page.getByLabel('Namespace').selectOption('payments')
    await expect.poll(() => page.getByRole('status').textContent()).toBe('2 VPAs match')
    await page.getByRole('button', { name: 'VPA', exact: true }).click()
    await expect.poll(() => names(page)).toEqual(['fraud-check', 'ledger'])
    expect(await page.getByRole('columnheader', { name: 'VPA', exact: true }).getAttribute('aria-sort')).toBe('ascending')
    await page.getByRole('button', { name: 'VPA', exact: true }).click()
    await expect.poll(() => names(page)).toEqual(['ledger', 'fraud-check'])

    // The address says it all: it can be shared, and the way back leads there.
    const shared = page.url()
    await page.getByRole('link', { name: 'ledger' }).click()
    await page.getByRole('heading', { name: 'payments/ledger' }).waitFor()
    await page.goBack()
    await expect.poll(() => names(page)).toEqual(['ledger', 'fraud-check'])
    const other = await open(browser, shared)
    await expect.poll(() => names(other)).toEqual(['ledger', 'fraud-check'])

    for (const colorScheme of ['light', 'dark'] as const) {
      const vpa = await open(browser, `${url}#/vpas/shop/checkout`, { colorScheme })
      await vpa.getByRole('heading', { name: 'shop/checkout' }).waitFor()
      expect(await vpa.getByRole('img', { name: /^Plot since .*Now: usage [\d.]+\S+, request [\d.]+\S+, limit [\d.]+\S*, target [\d.]+\S+, bounds / }).count()).toBe(2)
      expect(await vpa.getByRole('img', { name: /^Distribution from .*p50 .*p90 .*p95 / }).count()).toBe(2)
      expect(await vpa.getByText(/^90th percentile of usage/).textContent()).toMatch(/ \+ 15% margin = /)
      expect(await vpa.getByRole('cell', { name: 'Eviction', exact: true }).count()).toBeGreaterThan(0)
      await vpa.getByText('Values as a table').first().click()
      expect(await vpa.getByRole('region', { name: 'Values' }).first().getByRole('row').count()).toBeGreaterThan(10)
      await vpa.getByText('Values as a table').first().click()
      await expect.poll(() => paintedColours(vpa)).toBeGreaterThan(10)
      expect(await barriers(vpa)).toEqual([])
      await picture(vpa, colorScheme === 'light' ? 'dashboard-vpa.png' : 'dashboard-vpa-dark.png', 708)
    }
    const [light, dark] = await Promise.all((['light', 'dark'] as const).map(async (colorScheme) => backgroundOf(await open(browser, url, { colorScheme }))))
    expect(light).not.toBe(dark)
  })

  test('10,000 VPAs: a page has some of them, and any is found', async () => {
    const { url } = await serve(await manyVpas(10_000))
    const page = await open(browser, url)
    await expect.poll(() => names(page)).toHaveLength(50)
    expect(await page.getByRole('status').textContent()).toBe('10,000 VPAs')
    await page.getByRole('link', { name: 'Next' }).click()
    await page.getByText('Page 2 of 200 · 10,000 VPAs').waitFor()
    await page.getByLabel('Search').fill('TEAM-7/web-4567')
    await page.getByText('1 VPA matches').waitFor()
    expect(await names(page)).toEqual(['web-4567'])
    await page.getByLabel('Search').fill('')
    await page.getByRole('button', { name: /critical$/ }).click()
    await page.getByText('Page 1 of 40 · 2,000 VPAs').waitFor()
    expect(await page.locator('*').count()).toBeLessThan(2500)
  })

  test('with the keyboard alone: filter, sort, open a VPA, read its plot, and back', async () => {
    const cluster = await shopCluster(5)
    const { url } = await serve(cluster.dashboard)
    const page = await open(browser, url)
    await expect.poll(() => names(page)).toHaveLength(11)
    const press = async (key: string, until: () => Promise<boolean>) => {
      for (let pressed = 0; pressed < 80 && !(await until()); pressed += 1) await page.keyboard.press(key)
      expect(await until()).toBe(true)
    }
    const focusIs = (text: string) => async () => (await page.evaluate("document.activeElement.id || document.activeElement.ariaLabel || document.activeElement.textContent")) === text

    await page.keyboard.press('Tab')
    expect(await focusIs('Skip to content')()).toBe(true)
    await press('Tab', focusIs('text'))
    await page.keyboard.type('ledg')
    await page.getByText('1 VPA matches').waitFor()
    await press('Tab', focusIs('Pods'))
    await page.keyboard.press('Enter')
    await expect.poll(() => page.getByRole('columnheader', { name: 'Pods' }).getAttribute('aria-sort')).toBe('descending')
    expect(await focusIs('Pods')()).toBe(true)
    await press('Tab', focusIs('ledger'))
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'payments/ledger' }).waitFor()
    expect(await focusIs('payments/ledger')()).toBe(true)

    await press('Tab', focusIs('CPU of container app: point in time'))
    const slider = page.getByLabel('CPU of container app: point in time')
    const reading = () => slider.getAttribute('aria-valuetext')
    const latest = await reading()
    await page.keyboard.press('ArrowLeft')
    expect(await reading()).toMatch(/^\d\d:\d\d: Usage \d+m, .*Request 500m/)
    expect(await reading()).not.toBe(latest)
    // What comes meanwhile does not lead away from it.
    const timeRead = async () => (await reading())?.slice(0, 'hh:mm'.length)
    const [time, newest] = [await timeRead(), await slider.getAttribute('max')]
    await cluster.run(1)
    await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    await expect.poll(() => slider.getAttribute('max')).not.toBe(newest)
    expect(await timeRead()).toBe(time)
    await press('Shift+Tab', focusIs('← All VPAs'))
    await page.keyboard.press('Enter')
    await expect.poll(() => names(page)).toEqual(['ledger'])
  })

  test('whoever opens a VPA while still typing stays there', async () => {
    const { url } = await serve((await shopCluster(2)).dashboard)
    const page = await open(browser, url)
    await page.getByLabel('Search').pressSequentially('led')
    await page.getByRole('link', { name: 'ledger' }).click()
    await page.getByRole('heading', { name: 'payments/ledger' }).waitFor()
    // Longer than the list waits for the next letter.
    await page.evaluate('new Promise((resolve) => setTimeout(resolve, 300))')
    expect(await page.getByRole('heading', { name: 'payments/ledger' }).count()).toBe(1)
    expect(page.url()).toMatch(/#\/vpas\/payments\/ledger$/)
  })

  test('a cluster without VPAs says how to make some', async () => {
    const { url } = await serve(NO_VPAS)
    const page = await open(browser, url)
    await page.getByRole('heading', { name: 'There are no VPAs yet' }).waitFor()
    expect(await page.getByText('kubectl vpa create --all').count()).toBe(1)
    expect(await page.getByRole('table').count()).toBe(0)
    expect(await barriers(page)).toEqual([])
    await page.goto(`${url}#/vpas?text=nothing`)
    await page.getByRole('heading', { name: 'No VPA matches' }).waitFor()
    await page.goto(`${url}#/vpas/default/gone`)
    await page.getByText('there is no VerticalPodAutoscaler default/gone').waitFor()
  })

  test('while the recommender is away, what was shown stays; it goes on by itself', async () => {
    const cluster = await shopCluster(3)
    const site = await serve(cluster.dashboard)
    const page = await open(browser, site.url)
    await expect.poll(() => names(page)).toHaveLength(11)
    await site.stop()
    await page.getByLabel('Mode').selectOption('Off')
    await page.getByRole('alert').getByText('The recommender does not answer.').waitFor()
    expect(await names(page)).toHaveLength(11)
    expect(await barriers(page)).toEqual([])
    await site.start()
    await expect.poll(() => names(page), { timeout: 60_000 }).toHaveLength(5)
    expect(await page.getByRole('alert').textContent()).toBe('')
  })

  test('the page that `kubectl vpa report` writes', async () => {
    const { sandbox, clock } = await shopCluster(30)
    const folder = await mkdtemp(join(tmpdir(), 'report-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    await writeFile(join(folder, 'kubeconfig'), sandbox.kubeconfig)
    let html = ''
    await runCommandLine(['report', '-o', 'html', '--kubeconfig', join(folder, 'kubeconfig')], { out: (text) => (html += text), err: () => {}, isTerminal: false, colours: false, clock, signal: new AbortController().signal, kubeconfigs: async () => [] })
    const file = join(folder, 'report.html')
    await writeFile(file, html)
    const page = await open(browser, pathToFileURL(file).href, { viewport: { width: 1280, height: 900 } })
    expect(await page.getByRole('img', { name: /^(?:Saved a month|CPU of a pod|Memory of a pod): / }).count()).toBe(3)
    expect(await page.getByRole('row').count()).toBe(11)
    expect(await page.getByRole('cell', { name: 'more than it needs', exact: true }).count()).toBeGreaterThan(0)
    await picture(page, 'report.png', 820)
  })

  test('what is written in the cluster becomes no markup', async () => {
    const cluster = await shopCluster(2)
    const view = async (namespace: string, name: string): Promise<VpaAnswer | undefined> => {
      const answer = await cluster.dashboard.view(namespace, name)
      return answer && { ...answer, hindrances: [{ what: 'TargetConflict', message: '<img src="https://example.invalid/x.png" onerror="document.title=1"><script>document.title=2</script>' }] }
    }
    const { url } = await serve({ list: (query) => cluster.dashboard.list(query), view })
    const page = await open(browser, `${url}#/vpas/shop/cart`)
    await page.getByText('<img src="https://example.invalid/x.png"').waitFor()
    expect(await page.locator('main img, main script').count()).toBe(0)
    expect(await page.title()).toBe('shop/cart – Vertical Pod Autoscaler')
  })
})

function names(page: Page): Promise<readonly string[]> {
  return page.locator('table.vpas tbody th a').allTextContents()
}

/** @param height of which a whole number of things fits */
async function picture(page: Page, file: string, height = 900): Promise<void> {
  if (isForPictures) await page.screenshot({ path: `${IMAGES}${file}`, clip: { x: 0, y: 0, width: page.viewportSize()?.width ?? 1360, height } })
}

/** How many colours the first plot has: one that could not be drawn has none, or one. */
function paintedColours(page: Page): Promise<number> {
  return page.evaluate(`(() => {
    const canvas = document.querySelector('canvas')
    return new Set(new Uint32Array(canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.buffer)).size
  })()`)
}

function backgroundOf(page: Page): Promise<string> {
  return page.evaluate('getComputedStyle(document.body).backgroundColor')
}
