/**
 * Data directories that earlier releases wrote are opened by this one, with everything that is in them. Never change what is below
 * 0.1/ and its like: when this test fails, the release cannot read what its users have. make.ts made them.
 */
import { cp, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { Peer } from '../../lib/index.js'
import { GOLDEN_ENSEMBLE, GOLDEN_PEER, servedBy, storedIn } from './contents.js'

const here = fileURLToPath(new URL('.', import.meta.url))
const entries = await readdir(here, { withFileTypes: true })
const versions = entries.filter(entry => entry.isDirectory()).map(({ name }) => name)

describe('golden data directories', () => {
  it('are there', () => expect(versions).to.include('0.1'))

  for (const version of versions) {
    describe(`of ${version}`, () => {
      let parent: string
      let dataDir: string
      let contents: { stored: Stored; served: unknown }
      beforeEach(async () => {
        contents = JSON.parse(await readFile(join(here, version, 'contents.json'), 'utf8'))
        parent = await mkdtemp(join(tmpdir(), 'vivarium-golden-'))
        dataDir = join(parent, 'data')
        await cp(join(here, version, 'directory'), dataDir, { recursive: true })
      })
      afterEach(() => rm(parent, { recursive: true, force: true }))

      it('show what the store has to know', () => {
        const { epochs, checkpoint, suffix, history, log } = contents.stored
        expect(epochs.current).to.be.greaterThan(1)
        expect(history.base, 'an installed snapshot').to.not.equal('0x0')
        expect(history.ranges.length, 'epochs in the log').to.be.greaterThan(1)
        expect(checkpoint.zxid, 'a checkpoint of its own').to.not.equal(history.base)
        expect(suffix, 'behind the checkpoint').to.not.deep.equal([])
        expect(checkpoint.sessions.length).to.be.greaterThan(1)
        expect(checkpoint.nodes.filter(([, { owner }]) => owner !== undefined)).to.have.length(2)
        const kinds = new Set(log.map(({ txn }) => txn.kind))
        expect([...kinds]).to.include.members([
          'create',
          'delete',
          'setData',
          'setAcl',
          'multi',
          'error',
          'createSession',
        ])
      })

      it('are read by the store: identity, epochs, tree, digest, log', async () => {
        expect(await storedIn(dataDir)).to.deep.equal(contents.stored)
        // What opening did to the directory changes nothing.
        expect(await storedIn(dataDir)).to.deep.equal(contents.stored)
      })

      it('are served by a peer: the log applied, the digest that of the others then', async () => {
        await using peer = await Peer.open({ id: GOLDEN_PEER, ensemble: GOLDEN_ENSEMBLE, dataDir })
        await peer.serving({ timeout: 10_000 })
        expect(servedBy(peer)).to.deep.equal(contents.served)
        await using zk = await peer.client()
        await zk.create('/goes-on')
      })
    })
  }
})

interface Stored {
  readonly epochs: { readonly current: number }
  readonly checkpoint: {
    readonly zxid: string
    readonly sessions: readonly object[]
    readonly nodes: readonly (readonly [string, { readonly owner?: string }])[]
  }
  readonly suffix: readonly string[]
  readonly history: { readonly base: string; readonly ranges: readonly object[] }
  readonly log: readonly { readonly txn: { readonly kind: string } }[]
}
