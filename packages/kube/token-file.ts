import { readFile } from 'node:fs/promises'

/** @throws Error where the file is empty: whoever sends an empty token is taken for nobody in particular, and refused as such, not as one who must read it anew */
export async function readToken(file: string): Promise<string> {
  const token = (await readFile(file, 'utf8')).trim()
  if (token === '') throw new Error(`${file} is empty: expected a token`)
  return token
}
