import { messageOf } from '@vpa/kube/error-message.ts'
import { readFile } from 'node:fs/promises'
import { parseAllDocuments } from 'yaml'
import { Problem } from './problem.ts'

export interface RawManifest {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: { readonly name: string; readonly namespace?: string }
}

/**
 * The objects of a YAML or JSON file, those of lists one by one; `-` is standard input.
 *
 * @throws Problem that names the file and the line that is wrong
 */
export async function readManifests(file: string): Promise<readonly RawManifest[]> {
  return manifestsIn(await textOf(file), file)
}

export async function textOf(file: string): Promise<string> {
  try {
    return file === '-' ? (await process.stdin.toArray()).join('') : await readFile(file, 'utf8')
  } catch (error) {
    throw new Problem(messageOf(error))
  }
}

function manifestsIn(text: string, file: string): readonly RawManifest[] {
  return parseAllDocuments(text).flatMap((document) => {
    const [error] = document.errors
    if (error !== undefined) throw new Problem(`${file}: not YAML: ${error.message.split('\n')[0]}`)
    const value: unknown = document.toJS()
    if (value === null) return []
    const objects = (value as { items?: readonly unknown[] }).items ?? [value]
    return objects.map((object) => checked(object, file))
  })
}

function checked(object: unknown, file: string): RawManifest {
  const { apiVersion, kind, metadata } = (typeof object === 'object' && object !== null ? object : {}) as Partial<RawManifest>
  if (typeof apiVersion !== 'string' || typeof kind !== 'string' || typeof metadata?.name !== 'string') {
    throw new Problem(`${file}: not a Kubernetes object: expected apiVersion, kind and metadata.name, got ${JSON.stringify(object)?.slice(0, 80)}`)
  }
  return object as RawManifest
}
