import { RESOURCES } from '@vpa/core/amount.ts'
import { type ContainerAdvice, whyText } from '@vpa/core/advise/container-advice.ts'
import type { Fleet } from '@vpa/core/advise/fleet.ts'
import type { Prices } from '@vpa/core/advise/price.ts'
import { type EpochMs, formatTime } from '@vpa/core/time.ts'
import { requestPlot, savingPlot } from './report-plot.ts'
import { amountText, changeText, countText, moneyText, priceText } from '@vpa/core/advise/words.ts'

export interface HtmlReportOptions {
  readonly currency: string
  readonly prices: Prices
  readonly now: EpochMs
}

/** One page that needs nothing else: no scripts, no network; light and dark; plots with their words for those who do not see them. */
export function htmlReport(fleet: Fleet, { currency, prices, now }: HtmlReportOptions): string {
  const { containers, totals } = fleet
  const facts: readonly (readonly [string, string])[] = [
    [moneyText(totals.monthly.saving, currency), `could be saved of ${moneyText(totals.monthly.now, currency)} a month`],
    [`${amountText('cpu', totals.requested.cpu)} → ${amountText('cpu', totals.recommended.cpu)}`, 'cores requested, and recommended'],
    [`${amountText('memory', totals.requested.memory)} → ${amountText('memory', totals.recommended.memory)}`, 'memory requested, and recommended'],
    [`${totals.severities.critical} critical, ${totals.severities.warning} warning`, `${countText(containers.length, 'container')} of ${countText(totals.vpas, 'VPA')}`],
  ]
  const plots = [savingPlot(containers, currency), ...RESOURCES.map((resource) => requestPlot(containers, resource))].filter((plot) => plot !== undefined)
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Vertical Pod Autoscaler report</title>
<style>${STYLE}</style>
<h1>Vertical Pod Autoscaler report</h1>
<p>${escaped(formatTime(now))}; ${escaped(priceText(prices.cpuCoreHour, currency))} for a core and ${escaped(priceText(prices.memoryGibHour, currency))} for a GiB of memory by the hour.</p>
<ul class="facts">${facts.map(([number, meaning]) => `<li><b>${escaped(number)}</b> ${escaped(meaning)}`).join('')}</ul>
<div class="plots">${plots.map(({ title, words, svg }) => `<figure role="img" aria-label="${escaped(words)}"><figcaption>${escaped(title)}</figcaption>${svg}</figure>`).join('')}</div>
<table>
<caption>Containers, those first of which most can be saved</caption>
<thead><tr>${TITLES.map((title) => `<th scope="col">${title}`).join('')}</thead>
<tbody>${containers.map((advice) => rowOf(advice, currency)).join('')}</tbody>
</table>
</html>
`
}

const TITLES = ['Namespace', 'VPA', 'Mode', 'Container', 'Pods', 'CPU request', 'target', '', 'Memory request', 'target', '', 'Saves a month', 'Severity', 'Why']

function rowOf(advice: ContainerAdvice, currency: string): string {
  const { namespace, vpa, mode, container, pods, resources, monthly, severity } = advice
  const amounts = RESOURCES.flatMap((resource) => {
    const { request, target, change } = resources[resource]
    return [amountText(resource, request), amountText(resource, target), changeText(change)]
  })
  const numbers = [String(pods), ...amounts, moneyText(monthly.saving, currency)].map((text) => `<td class="number">${escaped(text)}`).join('')
  return `<tr><td>${escaped(namespace)}<td>${escaped(vpa)}<td>${mode}<td>${escaped(container)}${numbers}<td class="${severity}">${severity}<td>${escaped(whyText(resources))}\n`
}

const STYLE = `
:root { color-scheme: light dark; font: 15px/1.45 system-ui, sans-serif; }
body { margin: 2rem auto; max-width: 80rem; padding: 0 1rem; }
.facts { display: flex; flex-wrap: wrap; gap: 1rem; padding: 0; list-style: none; }
.facts li { border: 1px solid #8886; border-radius: .5rem; padding: .7rem 1rem; }
.facts b { display: block; font-size: 1.3rem; }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(24rem, 1fr)); gap: 1rem; }
figure { margin: 0; }
figcaption { font-weight: 600; }
svg { width: 100%; height: auto; overflow: visible; }
table { border-collapse: collapse; width: 100%; margin-top: 1.5rem; font-size: .9rem; }
caption { text-align: left; font-weight: 600; padding-bottom: .4rem; }
th, td { text-align: left; padding: .25rem .6rem; border-bottom: 1px solid #8884; }
.number { text-align: right; font-variant-numeric: tabular-nums; }
.critical { color: light-dark(#b00020, #ff8a80); font-weight: 700; }
.warning { color: light-dark(#8a5a00, #ffca5c); font-weight: 600; }
.ok { color: light-dark(#006a75, #6fd3df); }
.good { color: light-dark(#1b6e2a, #83d68f); }
.unknown { opacity: .7; }
`

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

/** Names and messages come from the cluster, where many may write. */
function escaped(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => ENTITIES[character] ?? character)
}
