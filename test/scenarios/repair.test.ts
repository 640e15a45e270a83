/** D3: a member whose data are damaged is repaired by the others before it counts again; alone, or with its identity or epochs in doubt, it refuses. */
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { Peer, text } from '../../lib/index.js'
import { memory, memoryNetwork } from '../../transports/memory/index.js'
import { contents, refused, until } from './refusal.js'

const ids = [1, 2, 3]
const members = Object.fromEntries(ids.map(id => [id, `memory://${id}`]))

describe('a damaged member', function () {
  this.timeout(30_000)
  let root: string
  let network = memoryNetwork()
  const open: Peer[] = []

  const place = (id: number): string => join(root, String(id))
  const start = async (id: number): Promise<Peer> => {
    const transport = memory({ network, name: String(id) })
    const peer = await Peer.open({ id, members, transport, dataDir: place(id), tickMs: 100 })
    open.push(peer)
    return peer
  }
  const closeAll = async (): Promise<void> => {
    await Promise.all(open.splice(0).map(peer => peer.close()))
  }
  /** All that LevelDB keeps entries in. */
  const files = async (id: number, name: 'log' | 'tree'): Promise<string[]> => {
    const names = await readdir(join(place(id), name))
    return names.filter(file => /\.(log|ldb)$/.test(file)).map(file => join(place(id), name, file))
  }
  const damage = async (id: number, name: 'log' | 'tree'): Promise<void> => {
    for (const file of await files(id, name)) {
      const bytes = await readFile(file)
      await writeFile(file, bytes.fill(0, bytes.length >> 2, bytes.length - (bytes.length >> 2)))
    }
  }

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'vivarium-repair-'))
    network = memoryNetwork()
    const peers = await Promise.all(ids.map(start))
    await Promise.all(peers.map(peer => peer.serving({ timeout: 10_000 })))
    const zk = await peers[0]!.client({ codec: text })
    for (let n = 0; n < 20; n++) await zk.create(`/n${n}`, `value ${n}`)
    await zk.close()
    await closeAll()
  })
  afterEach(async () => {
    await closeAll()
    await rm(root, { recursive: true, force: true })
  })

  for (const name of ['log', 'tree'] as const) {
    it(`opens repairing with a damaged ${name}, serves nobody, is healed by the others and votes again`, async () => {
      await damage(1, name)
      const damaged = await start(1)
      expect(damaged.status.state).to.equal('repairing')
      expect(damaged.status.serving).to.equal(false)
      expect(damaged.health().ok).to.equal(false)
      expect(damaged.health().reasons.join()).to.include('damaged')
      const states: string[] = []
      damaged.status$.subscribe(({ state, role }) => states.push(`${state} ${role}`))

      const second = await start(2)
      // Two of three, but one of them does not count.
      await until('peer 2 hears of the damage', () => second.health().reasons.join().includes('damaged voters: 1'))
      expect(second.status.serving).to.equal(false)

      const third = await start(3)
      await Promise.all([damaged, second, third].map(peer => peer.serving({ timeout: 10_000 })))
      expect(damaged.status.state).to.equal('running')
      expect(damaged.status.role).to.equal('following')
      expect(states).to.include('repairing observing')
      await until('equal', () => damaged.view.zxid === second.view.zxid)
      expect(contents(damaged)).to.deep.equal(contents(second))
      expect(await readdir(place(1))).to.not.include('damaged')

      // Whole again: it may be the one that makes a quorum.
      await third.close()
      await using zk = await second.client({ codec: text })
      await zk.set('/n3', 'after')
      await zk.close()
      await closeAll()
      const [one, three] = [await start(1), await start(3)]
      await Promise.all([one, three].map(peer => peer.serving({ timeout: 10_000 })))
      expect(Buffer.from(three.view.get('/n3')!.data!).toString()).to.equal('after')
    })
  }

  it('stays damaged over restarts until the others have repaired it, and keeps what was damaged until then', async () => {
    await damage(1, 'log')
    for (let round = 0; round < 2; round++) {
      const peer = await start(1)
      expect(peer.status.state).to.equal('repairing')
      await closeAll()
      expect(await readdir(join(place(1), 'damaged'))).to.include.members(['log', 'tree', 'ready', 'reason'])
    }
    await rm(join(place(1), 'damaged', 'ready'))
    expect((await start(1)).status.state).to.equal('repairing')
    const others = [await start(2), await start(3)]
    await Promise.all([...open, ...others].map(peer => peer.serving({ timeout: 10_000 })))
    await closeAll()
    expect((await start(1)).status.state).to.equal('running')
  })

  it('E7: a majority of damaged members starts nothing, says why, and loses nothing', async () => {
    await Promise.all([damage(1, 'log'), damage(2, 'tree')])
    const before = await Promise.all([1, 2].map(id => cp(place(id), join(root, `kept ${id}`), { recursive: true })))
    expect(before.length).to.equal(2)
    const peers = await Promise.all(ids.map(start))
    await until('all know', () => peers.every(peer => peer.health().reasons.join().includes('no quorum is left')))
    await new Promise(resolve => setTimeout(resolve, 500))
    expect(peers.map(peer => peer.status.serving)).to.deep.equal([false, false, false])
    expect(peers.map(peer => peer.status.leader)).to.deep.equal([undefined, undefined, undefined])
    for (const id of [1, 2]) expect(await readdir(join(place(id), 'damaged'))).to.include.members(['log', 'tree'])
  })

  it('refuses with DATA_CORRUPT alone, and with its epochs in doubt', async () => {
    const mark = await readFile(join(place(1), 'mark'))
    // The older half of it: what the newer one says of the log stands.
    const older = mark.readUInt32BE(5) < mark.readUInt32BE(512 + 5) ? 0 : 512
    await writeFile(join(place(1), 'mark'), Buffer.from(mark).fill(0, older, older + 512))
    await damage(1, 'log')
    await refused(start(1), 'DATA_CORRUPT')
    expect(await readdir(place(1))).to.not.include('damaged')
    await writeFile(join(place(1), 'mark'), mark)
    await refused(Peer.open({ id: 1, dataDir: place(1) }), 'DATA_CORRUPT')
    expect(await readdir(place(1))).to.not.include('damaged')
    await rm(join(place(1), 'mark'))
    await refused(start(1), 'DATA_CORRUPT')
  })
})
