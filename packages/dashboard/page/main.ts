import { ageText } from '@vpa/core/advise/words.ts'
import { Refusal, ask } from './api.ts'
import { element, renew } from './element.ts'
import { ListView } from './list-view.ts'
import { parseRoute } from './route.ts'
import { VpaPage } from './vpa-page.ts'

const REFRESH_MS = 15_000
const RETRY_MS = 3000

const main = byId('main')
const trouble = byId('trouble')
const freshness = byId('freshness')

/** The list stays as it was while one VPA is looked at. */
const list = new ListView()
let shown: { readonly key: string; readonly vpa?: VpaPage } | undefined
let asking = new AbortController()
let timer: ReturnType<typeof setTimeout> | undefined
/** `by` is by the browser's own count of time. */
let answered: { readonly by: number; readonly turnedAt: number | undefined; readonly at: number } | undefined

/** Asks for what the address names and shows it; again some time later, for as long as somebody looks. */
async function refresh(): Promise<void> {
  clearTimeout(timer)
  asking.abort()
  asking = new AbortController()
  const { signal } = asking
  const route = parseRoute(location.hash)
  try {
    if (route.page === 'list') {
      const answer = await ask(route, signal)
      answered = { by: performance.now(), turnedAt: answer.turnedAt, at: answer.at }
      show('list', list.root)
      list.update(answer, route.query)
    } else {
      const answer = await ask(route, signal)
      answered = { by: performance.now(), turnedAt: answer.turnedAt, at: answer.at }
      const key = `${route.namespace}/${route.name}`
      const vpa = shown?.key === key && shown.vpa ? shown.vpa : new VpaPage(list.hash)
      vpa.update(answer)
      show(key, vpa.root, vpa)
      vpa.draw()
    }
    renew(trouble)
    again(REFRESH_MS)
  } catch (error) {
    if (signal.aborted) return
    const message = error instanceof Error ? error.message : String(error)
    if (error instanceof Refusal) {
      show(`refused ${location.hash}`, element('section', { class: 'empty' }, element('h1', { tabindex: -1 }, 'This cannot be shown'), element('p', {}, message), element('p', {}, element('a', { href: '#/vpas' }, 'All VPAs'))))
      renew(trouble)
    } else complain(message)
    again(error instanceof Refusal ? REFRESH_MS : RETRY_MS)
  }
  tellFreshness()
}

function again(after: number): void {
  timer = setTimeout(() => (document.hidden ? again(after) : void refresh()), after)
}

/** A page that is new gets the focus, so that screen readers begin there. */
function show(key: string, root: HTMLElement, vpa?: VpaPage): void {
  const isNew = shown?.key !== key
  const isFirst = shown === undefined
  if (isNew) {
    if (shown?.vpa !== vpa) shown?.vpa?.dispose()
    main.replaceChildren(root)
    shown = { key, ...(vpa && { vpa }) }
    const heading = root.querySelector<HTMLElement>('h1')
    document.title = key === 'list' || key.startsWith('refused') ? 'Vertical Pod Autoscaler' : `${key} – Vertical Pod Autoscaler`
    if (!isFirst) {
      scrollTo(0, 0)
      heading?.focus({ preventScroll: true })
    }
  }
}

/** What was shown stays. */
function complain(message: string): void {
  const since = answered ? `What you see is from ${new Date(answered.at).toLocaleTimeString()}. ` : ''
  renew(trouble, element('p', { class: 'wide' }, element('strong', {}, 'The recommender does not answer. '), `${since}Trying again every ${RETRY_MS / 1000} seconds (${message}).`))
  if (shown === undefined) main.replaceChildren(element('section', { class: 'empty' }, element('h1', { tabindex: -1 }, 'No data yet'), element('p', {}, 'As soon as the recommender answers, it is shown here. If you came by kubectl port-forward, see whether that still runs.')))
}

function tellFreshness(): void {
  if (answered === undefined) return
  const { at, by, turnedAt } = answered
  const text = turnedAt === undefined ? 'This recommender has not made a turn yet: it has just started, or another replica leads. History is kept where the loop runs.' : `Recommendations made ${ageText(at - turnedAt + (performance.now() - by))} ago`
  if (freshness.textContent !== text) freshness.textContent = text
}

function byId(id: string): HTMLElement {
  const found = document.getElementById(id)
  if (found === null) throw new Error(`the page has no element ${id}`)
  return found
}

addEventListener('hashchange', () => {
  // The link that skips to the content is no page of its own.
  if (location.hash === '#main') main.focus()
  else void refresh()
})
document.addEventListener('visibilitychange', () => document.hidden || void refresh())
setInterval(tellFreshness, 1000)
void refresh()
