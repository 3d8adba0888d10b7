import { type Document, parseAllDocuments } from 'yaml'
import type { ChangedContainer } from './diff.ts'
import type { RawManifest } from './manifest-file.ts'
import { Problem } from './problem.ts'
import { wellKnown } from './workload-reference.ts'

export interface EditableWorkload {
  readonly manifest: RawManifest
  readonly setResources: (containers: readonly ChangedContainer[]) => void
}

/** How lists may be indented: the way that the file itself has it is kept. */
const STYLES = [{ lineWidth: 0, indentSeq: false }, { lineWidth: 0, indentSeq: true }] as const

/** The text of a manifest file whose amounts are changed and whose comments, order and quotes stay. */
export class EditedManifests {
  readonly #documents: readonly Document.Parsed[]
  readonly #style: (typeof STYLES)[number]
  readonly #before: string
  #isChanged = false

  /** @throws Problem for a text that is not YAML */
  constructor(text: string, file: string) {
    this.#before = text
    this.#documents = parseAllDocuments(text) as readonly Document.Parsed[]
    for (const { errors: [error] } of this.#documents) if (error) throw new Problem(`${file}: not YAML: ${error.message.split('\n')[0]}`)
    this.#style = STYLES.find((style) => this.#print(style) === text) ?? STYLES[1]
  }

  workloads(): readonly EditableWorkload[] {
    return this.#documents.flatMap((document) => {
      const manifest = document.toJS() as RawManifest | null
      if (manifest === null || wellKnown(manifest.kind) === undefined) return []
      const template = manifest.kind === 'CronJob' ? ['spec', 'jobTemplate', 'spec', 'template'] : ['spec', 'template']
      const setResources = (containers: readonly ChangedContainer[]) => {
        for (const { index, resources } of containers) {
          for (const [list, amounts] of Object.entries(resources)) {
            for (const [resource, amount] of Object.entries(amounts)) document.setIn([...template, 'spec', 'containers', index, 'resources', list, resource], amount)
          }
          this.#isChanged = true
        }
      }
      return [{ manifest, setResources }]
    })
  }

  get text(): string {
    return this.#isChanged ? this.#print(this.#style) : this.#before
  }

  #print(style: (typeof STYLES)[number]): string {
    return this.#documents.map((document) => document.toString(style)).join('')
  }
}
