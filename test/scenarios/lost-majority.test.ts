/** Two of three directories are gone for ever: the third begins a new ensemble, and nobody of the old one gets into it. */
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { fsck } from '../../lib/cli/fsck.js'
import { recover } from '../../lib/cli/recover.js'
import { Peer, type PeerOptions, text } from '../../lib/index.js'
import { tcp } from '../../transports/tcp/index.js'
import { contents, refused, until } from './refusal.js'
import { freePorts } from './test-ensemble.js'

const ids = [1, 2, 3]

describe('a lost majority', function () {
  this.timeout(60_000)
  let root: string
  let ports: readonly number[]
  let members: Record<number, string>
  const open: Peer[] = []

  const place = (name: number | string): string => join(root, String(name))
  const start = async (id: number, ensemble: string, options: Partial<PeerOptions> = {}): Promise<Peer> => {
    const transport = tcp({ port: ports[id - 1]! })
    const peer = await Peer.open({ id, ensemble, members, transport, dataDir: place(id), tickMs: 100, ...options })
    open.push(peer)
    return peer
  }
  const close = async (peer: Peer): Promise<void> => {
    open.splice(open.indexOf(peer), 1)
    await peer.close()
  }
  const serving = (peers: readonly Peer[]) => Promise.all(peers.map(peer => peer.serving({ timeout: 15_000 })))
  const doesNotServe = async (peer: Peer): Promise<void> => {
    await refused(peer.serving({ timeout: 1000 }), 'OPERATION_TIMEOUT')
  }
  const lastIntact = async (name: number | string): Promise<string> => {
    const { lines } = await fsck(place(name))
    return lines.find(line => line.startsWith('last intact: '))!.slice('last intact: '.length)
  }
  const recovered = async (name: number | string, ensemble: string): Promise<void> => {
    const acceptLossAfter = await lastIntact(name)
    for await (const _ of recover(place(name), { acceptLossAfter, ensemble, yes: true }));
  }
  const values = (peer: Peer): Record<string, string> =>
    Object.fromEntries(
      [...peer.view.children('/')!]
        .filter(name => name !== 'zookeeper')
        .map(name => [name, Buffer.from(peer.view.get(`/${name}`)!.data!).toString()]),
    )

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'vivarium-lost-'))
    ports = await freePorts(3)
    members = Object.fromEntries(ids.map(id => [id, `tcp://127.0.0.1:${ports[id - 1]}`]))
    const peers = await Promise.all(ids.map(id => start(id, 'shop')))
    await serving(peers)
    const zk = await peers[0]!.client({ codec: text })
    for (let n = 0; n < 20; n++) await zk.create(`/n${n}`, `value ${n}`)
    await zk.close()
    await Promise.all([...open].map(close))
  })
  afterEach(async () => {
    await Promise.all([...open].map(close))
    await rm(root, { recursive: true, force: true })
  })

  it('is left by recover: the survivor and two blank members are the new ensemble, with all the data', async () => {
    await cp(place(2), place('old 2'), { recursive: true })
    for (const id of [2, 3]) await rm(place(id), { recursive: true })

    const alone = await start(1, 'shop')
    const blank = await start(2, 'shop')
    await Promise.all([alone, blank].map(doesNotServe))
    await Promise.all([alone, blank].map(close))
    await rm(place(2), { recursive: true })

    await recovered(1, 'shop-2')
    await refused(start(1, 'shop'), 'ENSEMBLE_MISMATCH')
    const peers = await Promise.all(ids.map(id => start(id, 'shop-2')))
    await serving(peers)
    const [first] = peers
    expect(values(first!)).to.deep.equal(
      Object.fromEntries(Array.from({ length: 20 }, (_, n) => [`n${n}`, `value ${n}`])),
    )
    await using zk = await peers[2]!.client({ codec: text })
    await zk.set('/n0', 'new')
    await zk.sync()
    await until('equal', () => new Set(peers.map(peer => peer.view.zxid)).size === 1)
    for (const peer of peers) expect(contents(peer)).to.deep.equal(contents(first!))

    // The old member 2 comes back: not under the new name, and under its own it finds nobody.
    await close(peers[1]!)
    await refused(start(2, 'shop-2', { dataDir: place('old 2') }), 'ENSEMBLE_MISMATCH')
    const old = await start(2, 'shop', { dataDir: place('old 2') })
    const refusal = () => old.status.members.map(({ trouble }) => trouble ?? '').join()
    await until('it is refused', () => refusal().includes("'shop-2'"))
    expect(refusal()).to.include('ENSEMBLE_MISMATCH')
    await doesNotServe(old)
    await close(old)
    // A majority of the new ones is enough from now on.
    const again = await start(2, 'shop-2')
    await serving([again])
    expect(Buffer.from(again.view.get('/n0')!.data!).toString()).to.equal('new')
  })

  it('is not left twice: two directories recovered under one name do not begin together', async () => {
    for (const id of [1, 2]) await recovered(id, 'shop-2')
    await rm(place(3), { recursive: true })
    const peers = await Promise.all(ids.map(id => start(id, 'shop-2')))
    await until('they are linked', () => peers.every(peer => peer.status.members.every(({ connected }) => connected)))
    await Promise.all(peers.map(doesNotServe))
    expect(peers[0]!.health().reasons.join()).to.include('only one member can be')
  })
})
