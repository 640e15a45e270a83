/** A header places its file among others: those are there, under that name. Who moves a file is told here which headers to mend. */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..')

function sourcesIn(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true, recursive: true })
    .filter(entry => entry.isFile() && /\.(ts|mjs)$/.test(entry.name))
    .map(entry => relative(root, join(entry.parentPath, entry.name)).split(sep).join('/'))
}

const product = ['lib', 'transports'].flatMap(sourcesIn)
const everything = [...product, ...['test', 'benchmarks', 'examples'].flatMap(sourcesIn)]

/** What the first comment of a source names: `prepare.ts`, `tree/access.ts`, `test/hostile/main.ts`. */
function filesNamedBy(source: string): string[] {
  const header = /^\s*\/\*\*[\s\S]*?\*\//.exec(source)?.[0] ?? ''
  return [...header.matchAll(/(?<![\w.*-])(?:[\w-]+\/)*[\w-]+(?:\.test)?\.(?:ts|mjs)\b/g)].map(found => found[0])
}

/** In the product a name without a folder is of the product, or a test: what only has the same name somewhere under test/ is something else. */
function isThere(name: string, path: string): boolean {
  const places = product.includes(path) && !/\/|\.test\.ts$/.test(name) ? product : everything
  return places.some(place => place === name || place.endsWith(`/${name}`))
}

describe('headers', () => {
  it('name files that exist', () => {
    const missing = everything.flatMap(path =>
      filesNamedBy(readFileSync(join(root, path), 'utf8'))
        .filter(name => !isThere(name, path))
        .map(name => `${path}: ${name}`),
    )
    expect(missing).to.deep.equal([])
  })

  it('are read: a name that is not there is found', () => {
    const named = filesNamedBy('/** Before: peer.ts, zab/moved-away.ts. After: calls.ts. */\n// and-no-more.ts\n')
    expect(named).to.deep.equal(['peer.ts', 'zab/moved-away.ts', 'calls.ts'])
    expect(named.filter(name => !isThere(name, 'lib/core/roles.ts'))).to.deep.equal(['zab/moved-away.ts', 'calls.ts'])
  })
})
