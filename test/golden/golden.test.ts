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
import { EMPTY_DIGEST } from '../../lib/model/digest.js'
import { CONTAINER_MARK, isMark, type Owner } from '../../lib/model/owner.js'
import { type CheckpointRecord, decodeCheckpoint } from '../../lib/storage/level/checkpoint-record.js'
import { openDatabase } from '../../lib/storage/level/database.js'
import { CHECKPOINT_KEY } from '../../lib/storage/level/keys.js'
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
      let contents: { stored: Stored; served: { nodes: readonly (readonly [path: string, znode: object])[] } }
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
        const isEphemeral = (owner?: string) => owner !== undefined && !isMark(owner as Owner)
        expect(checkpoint.nodes.filter(([, { owner }]) => isEphemeral(owner))).to.have.length(2)
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
        const { nodes, ...rest } = contents.served
        // The first directories had it.
        const shared = nodes.filter(([path]) => path !== '/zookeeper/config')
        expect(servedBy(peer)).to.deep.equal({ ...rest, nodes: shared })
        await using zk = await peer.client()
        await zk.create('/goes-on')
      })
    })
  }

  it('0.1-system has what the format has gained: containers, TTL znodes, quotas, and a digest of them in the checkpoint', async () => {
    const contents = JSON.parse(await readFile(join(here, '0.1-system', 'contents.json'), 'utf8'))
    const { checkpoint, log }: Stored = contents.stored
    const owners = new Set(checkpoint.nodes.map(([, { owner }]) => owner))
    expect(owners.size, 'containers, two TTLs, two sessions, nobody').to.equal(6)
    expect(owners).to.include(CONTAINER_MARK)
    const paths = checkpoint.nodes.map(([path]) => path)
    for (const quota of ['/deep', '/queue'])
      for (const name of ['zookeeper_limits', 'zookeeper_stats'])
        expect(paths).to.include(`/zookeeper/quota${quota}/${name}`)
    expect(log.some(({ txn }) => txn.owner === CONTAINER_MARK)).to.equal(true)
    expect((await checkpointOf('0.1-system')).digest.system).to.not.deep.equal(EMPTY_DIGEST)
    expect((await checkpointOf('0.1-packs')).digest.system).to.equal(undefined)
  })
})

async function checkpointOf(version: string): Promise<CheckpointRecord> {
  const parent = await mkdtemp(join(tmpdir(), 'vivarium-golden-'))
  try {
    await cp(join(here, version, 'directory', 'tree'), parent, { recursive: true })
    const database = await openDatabase(parent, false)
    try {
      return decodeCheckpoint(await database.get(CHECKPOINT_KEY), version)
    } finally {
      await database.close()
    }
  } finally {
    await rm(parent, { recursive: true, force: true })
  }
}

interface Stored {
  readonly epochs: { readonly current: number }
  readonly checkpoint: {
    readonly zxid: string
    readonly sessions: readonly object[]
    readonly nodes: readonly (readonly [string, { readonly owner?: string }])[]
  }
  readonly suffix: readonly string[]
  readonly history: { readonly base: string; readonly ranges: readonly object[] }
  readonly log: readonly { readonly txn: { readonly kind: string; readonly owner?: string } }[]
}
