import type { Resource } from '@vpa/core/amount.ts'
import type { ListAnswer } from '@vpa/core/advise/dashboard-answer.ts'
import { SEVERITIES } from '@vpa/core/advise/severity.ts'
import { amountText, changeText, countText, moneyText, percentText } from '@vpa/core/advise/words.ts'
import { element, on } from './element.ts'

/** What all that matches comes to; the severities are buttons that show only theirs. */
export function listTiles({ totals, prices: { currency } }: ListAnswer, chosen: string | undefined, choose: (severity: string) => void): readonly HTMLElement[] {
  const { monthly, requested, recommended, severities, pods, vpas } = totals
  const share = monthly.now > 0 ? ` (${percentText(Math.abs(monthly.saving) / monthly.now)})` : ''
  const resource = (name: Resource, title: string) => {
    const change = requested[name] > 0 ? changeText((recommended[name] - requested[name]) / requested[name]) : ''
    return tile(title, `${amountText(name, requested[name])} → ${amountText(name, recommended[name])}`, `requested → recommended ${change}`)
  }
  const buttons = SEVERITIES.toReversed().map((severity) => {
    const pressed = chosen === severity
    const button = element('button', { type: 'button', class: `badge ${severity}`, 'aria-pressed': String(pressed), 'data-key': `severity ${severity}`, disabled: severities[severity] === 0 && !pressed }, element('b', {}, severities[severity].toLocaleString('en-US')), ` ${severity}`)
    return on(button, 'click', () => choose(pressed ? '' : severity))
  })
  return [
    tile(monthly.saving >= 0 ? 'Could be saved a month' : 'Would cost more a month', moneyText(Math.abs(monthly.saving), currency), `of ${moneyText(monthly.now, currency)}${share}`, monthly.saving >= 0.005 ? 'saves' : ''),
    resource('cpu', 'CPU'),
    resource('memory', 'Memory'),
    element('section', { class: 'tile severities', 'aria-label': 'VPAs by severity' }, element('h2', {}, `${countText(vpas, 'VPA')}, ${countText(pods, 'pod')}`), element('div', { class: 'badges' }, ...buttons)),
  ]
}

function tile(title: string, value: string, note: string, kind = ''): HTMLElement {
  return element('section', { class: 'tile' }, element('h2', {}, title), element('p', { class: `value ${kind}` }, value), element('p', { class: 'note' }, note))
}
