/** Judges source texts by the table of layers.ts; returns complaints as sentences, so that the judge itself can be tested. */
import { dirname, posix } from 'node:path'
import { bannedInCore, clockAndChance, importedOnlyBy, type Layer, layers, mayTouchClockAndChance } from './layers.js'
import { importsOf, lineAt, maskCommentsAndStrings } from './source-text.js'

export function layerOf(path: string): Layer | undefined {
  let best: Layer | undefined
  let length = 0
  for (const layer of layers) {
    for (const files of layer.files) {
      const inside = files.endsWith('/') ? path.startsWith(files) : path === files
      if (inside && files.length > length) {
        best = layer
        length = files.length
      }
    }
  }
  return best
}

/** @param path from the root of the repository, with slashes. */
export function importComplaints(path: string, source: string): string[] {
  const layer = layerOf(path)
  if (layer === undefined) return [`${path}: belongs to no layer; give it one in test/architecture/layers.ts`]
  const complaints: string[] = []
  for (const { from, typeOnly, line } of importsOf(source)) {
    const target = from.startsWith('.')
      ? layerOf(posix.join(dirname(path), from).replace(/\.js$/, '.ts'))?.name
      : packageOf(from)
    const allowed =
      target !== undefined &&
      (target === layer.name || matches(layer.may, target) || (typeOnly && matches(layer.mayAsType ?? [], target))) &&
      (target === layer.name || importedOnlyBy.get(target)?.includes(layer.name) !== false)
    if (allowed) continue
    const asType = !typeOnly && target !== undefined && matches(layer.mayAsType ?? [], target)
    complaints.push(
      `${path}:${line}: ${layer.name} must not import ${target ?? 'what belongs to no layer'} ('${from}')` +
        (asType ? ' other than by import type' : ''),
    )
  }
  return complaints
}

/** Words that code must not say in this place. */
export function wordComplaints(path: string, source: string): string[] {
  const masked = maskCommentsAndStrings(source)
  const complaints: string[] = []
  const search = (patterns: readonly RegExp[], why: string) => {
    for (const pattern of patterns) {
      for (const match of masked.matchAll(pattern)) {
        complaints.push(`${path}:${lineAt(source, match.index)}: '${match[0]}' ${why}`)
      }
    }
  }
  if (path.startsWith('lib/core/')) {
    search(bannedInCore, 'has no place in the core')
  } else if (path.startsWith('lib/') && ![...mayTouchClockAndChance.keys()].some(free => path.startsWith(free))) {
    search(clockAndChance, 'belongs into host/clock.ts or host/random.ts')
  }
  search([/(?<![.\w$])export\s+default(?![\w$])/g, /\bas\s+default\b/g], 'is a default export')
  return complaints
}

/** An index.ts lists names from elsewhere and does nothing else. */
export function indexComplaints(path: string, source: string): string[] {
  if (!path.endsWith('/index.ts')) return []
  const rest = maskCommentsAndStrings(source).replace(/\bexport\s+(?:type\s+)?\{[^{}]*\}\s*from\s*(['"])\s*\1;?/g, '')
  return rest.trim() === '' ? [] : [`${path}: holds more than named re-exports: ${rest.trim().slice(0, 60)}`]
}

function packageOf(specifier: string): string {
  if (specifier.startsWith('node:')) return specifier
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
}

function matches(patterns: readonly string[], name: string): boolean {
  return patterns.some(
    pattern => pattern === '*' || pattern === name || (pattern.endsWith('*') && name.startsWith(pattern.slice(0, -1))),
  )
}
