/**
 * A module hook for the small-scope search alone: in `lib/core`, a private field `#name` becomes an ordinary one, `__name`, when the module is
 * loaded, so that describe-state.ts can tell two states of a core apart. The library itself stays as it is.
 *
 * node --import tsx --import ./test/simulation/small-scope/open-fields.mjs …
 */
import { register } from 'node:module'
import { isMainThread } from 'node:worker_threads'

if (isMainThread) register(import.meta.url)

export async function load(url, context, nextLoad) {
  const loaded = await nextLoad(url, context)
  if (!/\/lib\/core\/.*\.ts/.test(url) || loaded.source === undefined || loaded.source === null) return loaded
  // Compiled without blanks: `get#name()`.
  const text = typeof loaded.source === 'string' ? loaded.source : Buffer.from(loaded.source).toString()
  return { ...loaded, source: text.replaceAll(/(?<=\w)#(?=\w)/g, ' #').replaceAll(/#(?=[a-zA-Z_])/g, '__') }
}
