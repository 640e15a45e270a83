/**
 * A file of Java's properties, as ZooKeeper's configuration is one: a line a key, up to the first `=`, `:` or blank; `#` and `!` begin comments; a
 * backslash at the end goes on in the next line. The last of two equal keys counts. Used by zoo-cfg.ts.
 */
export function readProperties(text: string): ReadonlyMap<string, string> {
  const properties = new Map<string, string>()
  for (const line of logicalLines(text)) {
    const end = endOfKey(line)
    const value = line.slice(end).trimStart()
    const rest = value.startsWith('=') || value.startsWith(':') ? value.slice(1).trimStart() : value
    properties.set(unescaped(line.slice(0, end)), unescaped(rest).trimEnd())
  }
  return properties
}

function* logicalLines(text: string): Generator<string> {
  let begun = ''
  for (const line of text.split(/\r\n|\n|\r/)) {
    const stripped = line.trimStart()
    if (begun === '' && (stripped === '' || stripped.startsWith('#') || stripped.startsWith('!'))) continue
    if (goesOn(stripped)) {
      begun += stripped.slice(0, -1)
    } else {
      yield begun + stripped
      begun = ''
    }
  }
  if (begun !== '') yield begun
}

/** An odd number of backslashes at the end: the last one is none that is meant. */
function goesOn(line: string): boolean {
  let at = line.length
  while (line[at - 1] === '\\') at -= 1
  return (line.length - at) % 2 === 1
}

function endOfKey(line: string): number {
  for (let at = 0; at < line.length; at++) {
    const unit = line[at]!
    if (unit === '\\') at += 1
    else if (unit === '=' || unit === ':' || unit === ' ' || unit === '\t') return at
  }
  return line.length
}

function unescaped(text: string): string {
  let plain = ''
  for (let at = 0; at < text.length; at++) {
    if (text[at] !== '\\') plain += text[at]
    else plain += ({ n: '\n', t: '\t', r: '\r' } as Record<string, string>)[text[++at] ?? ''] ?? text[at] ?? ''
  }
  return plain
}
