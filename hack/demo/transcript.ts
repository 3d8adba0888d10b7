import { styleText } from 'node:util'

/** What the demo tells, as it happens: each line with the seconds since the start. Reads the same in a file, without colours. */
export class Transcript {
  readonly #started = Date.now()

  chapter(title: string): void {
    console.log(`\n${this.#time()} ${style('bold', title)}`)
  }

  say(text: string): void {
    console.log(`${this.#time()} ${text}`)
  }

  /** A line of one of the programs' logs. */
  program(name: string, text: string): void {
    this.say(`  ${style('cyan', name.padEnd(PROGRAM_WIDTH))} ${text}`)
  }

  /** A fact that the story depends on and that was just seen to hold. */
  holds(text: string): void {
    this.say(`  ${style('green', 'ok')} ${text}`)
  }

  /** A command a user would type, and what it prints. */
  command(line: string, output: string): void {
    console.log(`\n${style('dim', '$')} ${line}\n${output.trimEnd()}\n`)
  }

  table(header: readonly string[], rows: readonly (readonly string[])[]): void {
    const widths = header.map((title, column) => Math.max(...[title, ...rows.map((row) => row[column] ?? '')].map((cell) => cell.length)))
    const line = (cells: readonly string[]) => `   ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('   ')}`.trimEnd()
    console.log(`\n${style('bold', line(header))}`)
    for (const row of rows) console.log(line(row))
    console.log()
  }

  #time(): string {
    const seconds = (Date.now() - this.#started) / 1000
    return style('dim', `${seconds.toFixed(1).padStart(6)}s`)
  }
}

const PROGRAM_WIDTH = 'admission-controller'.length

function style(format: 'bold' | 'dim' | 'green' | 'cyan', text: string): string {
  return process.stdout.isTTY ? styleText(format, text) : text
}
