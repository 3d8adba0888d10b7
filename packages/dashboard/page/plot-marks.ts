import type uPlot from 'uplot'
import type { Mark } from '@vpa/core/advise/mark.ts'
import { element } from './element.ts'
import { colour } from './plot-theme.ts'

const TITLES: Readonly<Record<Mark['kind'], string>> = { eviction: 'eviction', resize: 'resize', oom: 'out of memory' }

/** A line through the plot for each mark, with a sign of its kind on top: a triangle, a diamond, a cross. */
export function marksPlugin(marks: () => readonly Mark[]): uPlot.Plugin {
  return {
    hooks: {
      draw: (plot) => {
        const { ctx, bbox } = plot
        ctx.save()
        for (const { at, kind } of marks()) {
          const x = plot.valToPos(at / 1000, 'x', true)
          if (x < bbox.left || x > bbox.left + bbox.width) continue
          ctx.strokeStyle = colour(kind)
          ctx.fillStyle = colour(kind)
          drawMark(ctx, { kind, x, top: bbox.top, bottom: bbox.top + bbox.height })
        }
        ctx.restore()
      },
    },
  }
}

function drawMark(ctx: CanvasRenderingContext2D, { kind, x, top, bottom }: { readonly kind: Mark['kind']; readonly x: number; readonly top: number; readonly bottom: number }): void {
  const size = 5 * devicePixelRatio
  ctx.lineWidth = devicePixelRatio
  ctx.setLineDash([3 * devicePixelRatio, 3 * devicePixelRatio])
  ctx.beginPath()
  ctx.moveTo(x, top + 2 * size)
  ctx.lineTo(x, bottom)
  ctx.stroke()
  ctx.setLineDash([])
  ctx.beginPath()
  if (kind === 'oom') {
    ctx.lineWidth = 2 * devicePixelRatio
    ctx.moveTo(x - size, top)
    ctx.lineTo(x + size, top + 2 * size)
    ctx.moveTo(x + size, top)
    ctx.lineTo(x - size, top + 2 * size)
    ctx.stroke()
    return
  }
  const corners = kind === 'eviction' ? [[-size, 0], [size, 0], [0, 2 * size]] : [[-size, size], [0, 0], [size, size], [0, 2 * size]]
  for (const [dx = 0, dy = 0] of corners) ctx.lineTo(x + dx, top + dy)
  ctx.fill()
}

/** The kinds that there are, for the legend. */
export function markText(marks: readonly Mark[]): readonly HTMLElement[] {
  const kinds = [...new Set(marks.map(({ kind }) => kind))]
  return kinds.map((kind) => element('span', { class: 'key' }, element('i', { class: `swatch sign ${kind}` }), TITLES[kind]))
}
