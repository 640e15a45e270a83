/** D1: old history that has rotted on a member's disk costs that history. The member votes and serves; who was away longer is sent the tree instead. */
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { Level } from 'level'
import { Peer, text } from '../../lib/index.js'
import { memory, memoryNetwork } from '../../transports/memory/index.js'
import { checkpoint } from '../unit/cli/data-directories.js'
import { flipped, type Pass } from '../unit/storage/level/data-dir.js'
import { contents, Heard, until } from './refusal.js'

const ids = [1, 2, 3]
const members = Object.fromEntries(ids.map(id => [id, `memory://${id}`]))
const GROUPS = { gte: Buffer.from('L'), lt: Buffer.from('M') }
const WARNING = 'history behind the checkpoint is damaged'

describe('old history that has rotted', function () {
  this.timeout(30_000)
  let root: string
  let network = memoryNetwork()
  const open = new Map<number, { readonly peer: Peer; readonly heard: Heard }>()

  const place = (id: number): string => join(root, String(id))
  async function start(...which: number[]): Promise<void> {
    await Promise.all(
      which.map(async id => {
        const heard = new Heard()
        const transport = memory({ network, name: String(id) })
        const peer = await Peer.open({ id, members, transport, dataDir: place(id), tickMs: 100, logger: heard })
        open.set(id, { peer, heard })
      }),
    )
  }
  const peerOf = (id: number): Peer => open.get(id)!.peer
  const serving = () => Promise.all([...open.values()].map(({ peer }) => peer.serving({ timeout: 10_000 })))
  const warned = () => ids.filter(id => open.get(id)?.heard.has('warn', WARNING))
  async function closeAll(): Promise<void> {
    await Promise.all([...open.values()].map(({ peer }) => peer.close()))
    open.clear()
  }
  async function write(id: number, prefix: string): Promise<void> {
    const zk = await peerOf(id).client({ codec: text })
    for (let n = 0; n < 12; n++) await zk.create(`/${prefix}${n}`, `${prefix} ${n}`)
    await zk.close()
  }
  async function expectAllEqual(): Promise<void> {
    await until('all have applied the same', () => new Set(ids.map(id => peerOf(id).status.applied)).size === 1)
    for (const id of [2, 3]) expect(contents(peerOf(id))).to.deep.equal(contents(peerOf(1)))
  }

  /** Member 3 was away while the others wrote, made a checkpoint and wrote again. */
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'vivarium-bad-history-'))
    network = memoryNetwork()
    await start(...ids)
    await serving()
    await write(1, 'a')
    await closeAll()
    await cp(place(3), join(root, 'away'), { recursive: true })
    await start(1, 2)
    await serving()
    await write(1, 'b')
    await closeAll()
    for (const id of [1, 2]) await checkpoint(place(id), 'vivarium', id)
    await start(1, 2)
    await serving()
    await write(1, 'c')
    await closeAll()
    await rm(place(3), { recursive: true })
    await cp(join(root, 'away'), place(3), { recursive: true })
  })
  afterEach(async () => {
    await closeAll()
    await rm(root, { recursive: true, force: true })
  })

  /** The keys of groups that member 3 has not, and the checkpoints of the others have. */
  async function middle(id: number): Promise<Buffer> {
    const database = new Level<Buffer, Buffer>(join(place(id), 'log'), {
      keyEncoding: 'buffer',
      valueEncoding: 'buffer',
    })
    try {
      const keys = await database.keys(GROUPS).all()
      return keys[Math.floor(keys.length / 2)]!
    } finally {
      await database.close()
    }
  }

  it('is found at a start: the member votes all the same, and a member that was away gets a snapshot', async () => {
    for (const id of [1, 2]) {
      const key = await middle(id)
      const database = new Level<Buffer, Buffer>(join(place(id), 'log'), {
        keyEncoding: 'buffer',
        valueEncoding: 'buffer',
      })
      await database.put(key, flipped((await database.get(key))!, 40))
      await database.close()
    }
    await start(1, 2)
    expect(warned()).to.deep.equal([1, 2])
    expect([1, 2].map(id => peerOf(id).status.state)).to.deep.equal(['running', 'running'])
    await serving()
    await start(3)
    await serving()
    await expectAllEqual()
    // Their logs are well again.
    await closeAll()
    await start(...ids)
    await serving()
    expect(warned()).to.deep.equal([])
    await expectAllEqual()
  })

  it('is found when it is read for a member that was away: that one gets a snapshot, and the leader goes on', async () => {
    const keys = new Set([(await middle(1)).toString('hex'), (await middle(2)).toString('hex')])
    await start(1, 2)
    await serving()
    expect(warned()).to.deep.equal([])
    const { iterator } = Level.prototype
    Level.prototype.iterator = function (this: unknown, ...args: unknown[]) {
      const found = (iterator as Pass).apply(this, args)
      const nextv = found.nextv.bind(found)
      found.nextv = (async (size: number) =>
        (await nextv(size)).map(([key, value]: [Buffer | undefined, Buffer]) => [
          key,
          key !== undefined && keys.has(key.toString('hex')) ? flipped(value, 40) : value,
        ])) as never
      return found
    } as never
    try {
      const leader = [1, 2].find(id => peerOf(id).status.role === 'leading')!
      await start(3)
      await serving()
      expect(warned()).to.deep.equal([leader])
      expect(peerOf(leader).status.role).to.equal('leading')
      await expectAllEqual()
      await write(3, 'd')
      await expectAllEqual()
    } finally {
      Level.prototype.iterator = iterator
    }
  })
})
