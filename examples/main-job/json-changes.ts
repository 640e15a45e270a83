/** What differs between two JSON values, as text that fits a line: `perClient.burst 100 -> 150`. */
const SHOWN_MAX = 3
const TEXT_MAX = 60

export function describeChanges(before: unknown, after: unknown): string {
  const old = leavesOf(before)
  const now = leavesOf(after)
  if (before === undefined) return `new, with ${now.size} values`
  const changes: string[] = []
  for (const [name, text] of now) {
    const was = old.get(name)
    if (was !== text) changes.push(was === undefined ? `${name} = ${text}` : `${name} ${was} -> ${text}`)
  }
  for (const name of old.keys()) if (!now.has(name)) changes.push(`${name} removed`)
  const shown = changes.slice(0, SHOWN_MAX).map(cut).join(', ')
  return changes.length > SHOWN_MAX ? `${shown} and ${changes.length - SHOWN_MAX} more` : shown
}

/** Every value that is neither object nor array, by its dotted name. */
function leavesOf(value: unknown, name = '', found = new Map<string, string>()): Map<string, string> {
  if (typeof value !== 'object' || value === null) {
    if (value !== undefined) found.set(name === '' ? 'value' : name, JSON.stringify(value))
    return found
  }
  for (const [key, inner] of Object.entries(value)) leavesOf(inner, name === '' ? key : `${name}.${key}`, found)
  return found
}

function cut(text: string): string {
  return text.length > TEXT_MAX ? `${text.slice(0, TEXT_MAX - 3)}...` : text
}
