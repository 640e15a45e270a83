/** lib/README.md is the map of the house: a station that has moved is mended there in the same commit. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..')

/** Every path in backticks that is a file or folder of the sources, relative to lib/ or to the root. */
function placesNamedIn(page: string): string[] {
  const quoted = [...page.matchAll(/`([^`\s]+)`/g)].map(found => found[1]!)
  return [...new Set(quoted.filter(name => name.endsWith('.ts') || name.endsWith('/')))]
}

/** The targets of links to files of this repository, anchors cut off. */
function linksOf(page: string): string[] {
  const targets = [...page.matchAll(/\]\(([^)\s]+)\)/g)].map(found => found[1]!.split('#')[0]!)
  return [...new Set(targets.filter(target => target !== '' && !target.includes('://')))]
}

function exists(place: string): boolean {
  return existsSync(join(root, 'lib', place)) || existsSync(join(root, place))
}

describe('the map', () => {
  const page = readFileSync(join(root, 'lib', 'README.md'), 'utf8')

  it('names files that exist', () => {
    const places = placesNamedIn(page)
    expect(places).to.include.members(['core/peer.ts', 'client/channel.ts', 'core/zab/'])
    expect(places.filter(place => !exists(place))).to.deep.equal([])
  })

  it('finds a place that does not exist', () => {
    const moved = placesNamedIn('`core/moved-away.ts` → `core/peer.ts`, `no-place/`, `step(input, now)`')
    expect(moved.filter(place => !exists(place))).to.deep.equal(['core/moved-away.ts', 'no-place/'])
  })

  it('has every folder of lib/', () => {
    const folders = readdirSync(join(root, 'lib'), { withFileTypes: true, recursive: true })
      .filter(entry => entry.isFile() && entry.name.endsWith('.ts') && entry.parentPath !== join(root, 'lib'))
      .map(entry => entry.parentPath.slice(join(root, 'lib').length + 1).split(/[\\/]/))
    const named = placesNamedIn(page)
    const missing = new Set(folders.map(([top]) => `${top}/`).filter(top => !named.includes(top)))
    expect([...missing]).to.deep.equal([])
  })

  for (const file of [
    'README.md',
    'CONTRIBUTING.md',
    'CHANGELOG.md',
    'lib/README.md',
    'transports/README.md',
    'docs/operating.md',
    'docs/testing.md',
    'docs/guarantees.md',
  ]) {
    it(`${file} links to files that exist`, () => {
      const links = linksOf(readFileSync(join(root, file), 'utf8'))
      expect(links.filter(link => !existsSync(join(root, dirname(file), link)))).to.deep.equal([])
    })
  }
})
