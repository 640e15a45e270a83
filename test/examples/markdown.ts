/** The programs of a page: its ```js blocks, each with the HTML comment that stands right before it, if any. */
export interface Program {
  readonly text: string
  /** What follows the word in `<!-- file: examples/config-subscription.ts -->` or `<!-- run -->`. */
  readonly marks: ReadonlyMap<string, string>
}

export function programsOf(page: string): Program[] {
  const programs: Program[] = []
  const lines = page.split('\n')
  for (let index = 0; index < lines.length; index += 1) {
    if (lines[index] !== '```js') continue
    const end = lines.indexOf('```', index)
    const text = `${lines.slice(index + 1, end).join('\n')}\n`
    programs.push({ text, marks: marksOf(lines[index - 1] ?? '') })
    index = end
  }
  return programs
}

function marksOf(line: string): Map<string, string> {
  if (!line.startsWith('<!-- ') || !line.endsWith(' -->')) return new Map()
  const pairs = line.slice('<!-- '.length, -' -->'.length).split(', ')
  return new Map(
    pairs.map(pair => {
      const [word, value] = pair.split(': ')
      return [word!, value ?? '']
    }),
  )
}
