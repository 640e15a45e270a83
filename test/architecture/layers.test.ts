/**
 * The rules that keep the house in order, read from the sources: imports point down, the core is synchronous and knows no clock,
 * and nothing hides in an index or a bag. First the rules over the real tree, then planted offences that must be found.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { importComplaints, indexComplaints, layerOf, wordComplaints } from './check-layers.js'
import { bannedFileNames, LINES_MAX, layers, longFiles } from './layers.js'
import { importsOf, maskCommentsAndStrings } from './source-text.js'

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..')

function sourcesIn(folder: string): Map<string, string> {
  const sources = new Map<string, string>()
  for (const entry of readdirSync(join(root, folder), { withFileTypes: true, recursive: true })) {
    if (!entry.isFile() || !entry.name.endsWith('.ts')) continue
    const file = join(entry.parentPath, entry.name)
    sources.set(
      file
        .slice(root.length + 1)
        .split(sep)
        .join('/'),
      readFileSync(file, 'utf8'),
    )
  }
  return sources
}

describe('architecture', () => {
  const sources = new Map([...sourcesIn('lib'), ...sourcesIn('transports')])
  const everywhere = (judge: (path: string, source: string) => string[]) =>
    [...sources].flatMap(([path, source]) => judge(path, source))

  it('has sources to judge, whose imports are seen', () => {
    const seen = [...sources].flatMap(([path, source]) => importsOf(source).map(found => `${path} ${found.from}`))
    expect(seen).to.include('lib/core/effect.ts ../model/ids.js')
    const written = [...sources.values()].flatMap(source => source.match(/^(?:import|export|\}).* from '/gm) ?? [])
    expect(seen.length).to.be.at.least(written.length)
  })

  it('imports only what its layer may', () => {
    expect(everywhere(importComplaints)).to.deep.equal([])
  })

  it('keeps time, chance and promises out of the core, the clock in its place, and default exports nowhere', () => {
    expect(everywhere(wordComplaints)).to.deep.equal([])
  })

  it('has no logic in an index.ts', () => {
    expect(everywhere(indexComplaints)).to.deep.equal([])
  })

  it('has no bags: utils, types, helpers, constants', () => {
    expect([...sources.keys()].filter(path => bannedFileNames.includes(path.split('/').at(-1)!))).to.deep.equal([])
  })

  it('is no deeper than lib/a/b/file.ts', () => {
    expect([...sources.keys()].filter(path => path.startsWith('lib/') && path.split('/').length > 4)).to.deep.equal([])
  })

  it('has files of one idea: longer than the limit only with a reason', () => {
    const long = [...sources].filter(([, source]) => source.split('\n').length - 1 > LINES_MAX).map(([path]) => path)
    expect(long.filter(path => !longFiles.has(path))).to.deep.equal([])
    expect(
      [...longFiles.keys()].filter(path => !long.includes(path)),
      'excused, but not long, or not there',
    ).to.deep.equal([])
  })

  it('names in its table only layers that exist there', () => {
    const names = new Set(layers.map(layer => layer.name))
    const packages = ['cbor-x', 'level', 'rxjs']
    const used = layers.flatMap(layer => [...layer.may, ...(layer.mayAsType ?? [])])
    const known = (name: string) => names.has(name) || name.endsWith('*') || name.startsWith('node:')
    expect(used.filter(name => !known(name) && !packages.includes(name))).to.deep.equal([])
  })
})

describe('the judge of the architecture', () => {
  const complains = (path: string, source: string) =>
    expect([...importComplaints(path, source), ...wordComplaints(path, source), ...indexComplaints(path, source)], path)

  it('finds planted imports that point up or sideways', () => {
    complains('lib/core/watch/watch-registry.ts', "import { DataTree } from '../tree/data-tree.js'").to.have.lengthOf(1)
    complains('lib/core/zab/leader.ts', "import type { Znode } from '../tree/znode.js'").to.have.lengthOf(1)
    complains('lib/core/roles.ts', "import { Peer } from './peer.js'").to.have.lengthOf(1)
    complains('lib/model/path.ts', "export { x } from '../core/quorum/majority.js'").to.have.lengthOf(1)
    complains('lib/client/client.ts', "import type { Effect } from '../core/effect.js'").to.have.lengthOf(1)
    complains('lib/host/peer-host.ts', "import 'node:fs'").to.have.lengthOf(1)
    complains('lib/host/open-peer.ts', "import { compose } from '../compose.js'").to.have.lengthOf(1)
    complains('lib/core/input.ts', "import { crc32 } from 'node:zlib'").to.have.lengthOf(1)
    complains('lib/core/tree/data-tree.ts', "import {\n  a,\n  b,\n} from 'rxjs'").to.have.lengthOf(1)
    complains('transports/tcp/tcp-transport.ts', "import { x } from '../memory/memory-link.js'").to.have.lengthOf(1)
    complains('lib/storage/memory/memory-storage.ts', "const level = await import('level')").to.have.lengthOf(1)
    complains('lib/attic/old.ts', '').to.have.lengthOf(1)
  })

  it('tells a use from an import of types', () => {
    complains('lib/codec/message-codec.ts', "import type { Ack } from '../core/zab/messages.js'").to.deep.equal([])
    complains('lib/codec/message-codec.ts', "import { type Ack } from '../core/zab/messages.js'").to.have.lengthOf(1)
    complains('lib/core/tree/digest.ts', "import { Outbox } from '../outbox.js'").to.have.lengthOf(1)
    complains('lib/core/tree/digest.ts', "import type { Outbox } from '../outbox.js'").to.deep.equal([])
  })

  it('lets pass what the table allows', () => {
    complains(
      'lib/core/operations/create.ts',
      "import { SessionTable } from '../session/session-table.js'",
    ).to.deep.equal([])
    complains('lib/core/peer.ts', "import { SessionIds } from './session/session-ids.js'").to.deep.equal([])
    complains('lib/codec/cbor.ts', "import { Encoder } from 'cbor-x'").to.deep.equal([])
    complains('lib/cli/main.ts', "import { compose } from '../compose.js'").to.deep.equal([])
    complains('transports/ipc/ipc-transport.ts', "import { x } from '../stream-link.js'").to.deep.equal([])
  })

  for (const offence of [
    'async function f() {}',
    'const p: Promise<void> = x',
    'setTimeout(f, 1)',
    'queueMicrotask(f)',
    'const t = Date.now()',
    'const t = performance.now()',
    'const r = Math.random()',
    'if (process.env) f()',
    'console.log(1)',
    'globalThis.setTimeout(f)',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a template inside the sample
    'const s = `at ${Date.now()}`',
    'const a = b / c; const d = Date.now() / e',
    'export default x',
  ]) {
    it(`finds in the core: ${offence}`, () => {
      expect(wordComplaints('lib/core/zab/sample.ts', offence)).to.not.deep.equal([])
    })
  }

  it('reads over comments, strings, regular expressions and longer names', () => {
    const innocent = [
      '// async Promise Date',
      '/* process.exit()\n console */',
      "const a = 'await'",
      'const b = "it\\"s Date"',
      // biome-ignore lint/suspicious/noTemplateCurlyInString: a template inside the sample
      'const c = `Date ${x.map(v => ({ y: `process` }))} console`',
      "const d = /Date'[/]Promise/.test(a)",
      'this.process(request); const processor = updateDate',
    ].join('\n')
    expect(wordComplaints('lib/core/zab/sample.ts', innocent)).to.deep.equal([])
    expect(maskCommentsAndStrings(innocent)).to.have.lengthOf(innocent.length)
  })

  it('sees imports beside code that looks like one', () => {
    const source = [
      "import type { A } from './a.js'",
      "import b, { type C } from './b.js'",
      "export * from './d.js'",
      "export interface E { from: 'x' }",
      "const f = Array.from('text')",
      "// import { g } from './g.js'",
      "export type { H } from './h.js'",
      "import type from './i.js'",
    ].join('\n')
    expect(importsOf(source)).to.deep.equal([
      { from: './a.js', typeOnly: true, line: 1 },
      { from: './b.js', typeOnly: false, line: 2 },
      { from: './d.js', typeOnly: false, line: 3 },
      { from: './h.js', typeOnly: true, line: 7 },
      { from: './i.js', typeOnly: false, line: 8 },
    ])
  })

  it('finds logic in an index.ts', () => {
    const good = "/** The API. */\nexport { Peer } from './compose.js'\nexport type { A, B } from './model/acl.js'\n"
    expect(indexComplaints('lib/index.ts', good)).to.deep.equal([])
    expect(indexComplaints('lib/index.ts', `${good}export const x = 1`)).to.have.lengthOf(1)
    expect(indexComplaints('lib/index.ts', "export * from './compose.js'")).to.have.lengthOf(1)
  })

  it('knows the layer of a file by its longest entry', () => {
    expect(layerOf('lib/core/zab/messages.ts')?.name).to.equal('core/messages')
    expect(layerOf('lib/core/zab/leader.ts')?.name).to.equal('core/zab')
    expect(layerOf('lib/core/roles.ts')?.name).to.equal('core/roof')
  })
})
