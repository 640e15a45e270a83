/** Where the built package and its examples are. `npm test` builds before it tests; who runs mocha alone builds first. */
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..')

export function builtFile(...path: readonly string[]): string {
  const file = join(root, 'dist', ...path)
  if (!existsSync(file)) throw new Error(`${file} is missing: run npm run build first`)
  return file
}
