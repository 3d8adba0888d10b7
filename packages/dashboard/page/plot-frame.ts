import uPlot from 'uplot'
import { onThemeChange } from './plot-theme.ts'

export interface Drawing {
  readonly options: Omit<uPlot.Options, 'width' | 'height'>
  readonly data: uPlot.AlignedData
}

/** A place for a plot: as wide as its box at any time, drawn anew when the system goes dark. */
export class PlotFrame {
  readonly #box: HTMLElement
  readonly #height: number
  readonly #make: () => Drawing | undefined
  readonly #resized: ResizeObserver
  readonly #endTheme: () => void
  #plot: uPlot | undefined

  /** @param make what is to be drawn now; undefined while there is nothing */
  constructor(box: HTMLElement, height: number, make: () => Drawing | undefined) {
    this.#box = box
    this.#height = height
    this.#make = make
    this.#resized = new ResizeObserver(() => this.#plot?.setSize({ width: this.#box.clientWidth, height }))
    this.#endTheme = onThemeChange(() => this.draw())
  }

  get plot(): uPlot | undefined {
    return this.#plot
  }

  draw(): void {
    if (!this.#box.isConnected) return
    this.#plot?.destroy()
    const made = this.#make()
    this.#plot = made && new uPlot({ ...made.options, width: this.#box.clientWidth, height: this.#height, legend: { show: false } }, made.data, this.#box)
    this.#resized.observe(this.#box)
  }

  dispose(): void {
    this.#resized.disconnect()
    this.#endTheme()
    this.#plot?.destroy()
  }
}
