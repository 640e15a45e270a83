/**
 * Reads a source text just far enough for the rules of layers.ts: what is code and what is comment or string, and which modules
 * are imported, as types or for use. A small scanner of its own, since the compiler has no stable programming interface here.
 * Known limit: whether a slash begins a regular expression is guessed from the character or word before it.
 */

export interface Import {
  readonly from: string
  /** `import type` or `export type`: leaves no trace at run time. Inline `{ type A }` does, so it counts as a use. */
  readonly typeOnly: boolean
  readonly line: number
}

const REGEX_MAY_FOLLOW = /(?:^|[(,=:[!&|?{};+\-*%<>~^]|\b(?:return|typeof|case|in|of|do|else|void|delete|throw))$/

/** The same length and lines, with every character of comments, strings, templates' text and regular expressions blanked; quotes stay. */
export function maskCommentsAndStrings(source: string): string {
  const out = source.split('')
  const blank = (from: number, to: number) => {
    for (let k = from; k < to && k < out.length; k += 1) if (out[k] !== '\n') out[k] = ' '
  }
  /** For each open template: how many braces of its `${` expression are open. */
  const templates: number[] = []
  let i = 0

  const skipTemplateText = (begin: number) => {
    let k = begin
    while (k < source.length && source[k] !== '`' && !source.startsWith('${', k)) k += source[k] === '\\' ? 2 : 1
    blank(begin, k)
    if (source[k] === '`') {
      i = k + 1
    } else {
      templates.push(0)
      i = k + 2
    }
  }

  while (i < source.length) {
    const c = source[i]!
    if (source.startsWith('//', i)) {
      const end = source.indexOf('\n', i)
      const to = end < 0 ? source.length : end
      blank(i, to)
      i = to
    } else if (source.startsWith('/*', i)) {
      const end = source.indexOf('*/', i + 2)
      const to = end < 0 ? source.length : end + 2
      blank(i, to)
      i = to
    } else if (c === "'" || c === '"') {
      let k = i + 1
      while (k < source.length && source[k] !== c && source[k] !== '\n') k += source[k] === '\\' ? 2 : 1
      blank(i + 1, k)
      i = k + 1
    } else if (c === '`') {
      skipTemplateText(i + 1)
    } else if (
      c === '/' &&
      REGEX_MAY_FOLLOW.test(
        out
          .slice(Math.max(0, i - 80), i)
          .join('')
          .trimEnd(),
      )
    ) {
      let k = i + 1
      let inClass = false
      while (k < source.length && source[k] !== '\n' && (inClass || source[k] !== '/')) {
        if (source[k] === '[') inClass = true
        else if (source[k] === ']') inClass = false
        k += source[k] === '\\' ? 2 : 1
      }
      blank(i + 1, k)
      i = k + 1
    } else {
      const open = templates.length - 1
      if (open >= 0 && c === '{') templates[open]! += 1
      if (open >= 0 && c === '}') {
        if (templates[open] === 0) {
          templates.pop()
          skipTemplateText(i + 1)
          continue
        }
        templates[open]! -= 1
      }
      i += 1
    }
  }
  return out.join('')
}

const NAMES = String.raw`(?:\{[^{}]*\}|\*(?:\s*as\s+[\w$]+)?|[\w$]+(?:\s*,\s*(?:\{[^{}]*\}|\*\s*as\s+[\w$]+))?)`
/** import … from, export … from · import 'x' · import('x'), require('x') */
const IMPORT_FORMS = [
  new RegExp(String.raw`\b(?:import|export)\b(\s+type\b(?!\s*from\b))?\s*${NAMES}\s*from\s*['"]`, 'g'),
  /\bimport\b()\s*['"]/g,
  /\b(?:import|require)\b()\s*\(\s*['"`]/g,
]

export function importsOf(source: string): Import[] {
  const masked = maskCommentsAndStrings(source)
  const found: Import[] = []
  for (const form of IMPORT_FORMS) {
    for (const match of masked.matchAll(form)) {
      const begin = match.index + match[0].length
      const quote = masked[begin - 1]!
      const from = source.slice(begin, masked.indexOf(quote, begin))
      found.push({ from, typeOnly: Boolean(match[1]), line: lineAt(source, match.index) })
    }
  }
  return found.sort((a, b) => a.line - b.line)
}

export function lineAt(source: string, index: number): number {
  return source.slice(0, index).split('\n').length
}
