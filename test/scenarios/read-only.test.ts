/** Local sessions (S10) and read-only mode (C15), as ZooKeeper's clients meet them: real peers, of which a majority is lost and comes back. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { Peer, type PeerOptions } from '../../lib/index.js'
import { OpCode } from '../../lib/jute/op-codes.js'
import * as records from '../../lib/jute/records.js'
import { zookeeperCodes } from '../../lib/model/errors.js'
import { memory, memoryNetwork } from '../../transports/memory/index.js'
import { WireClient, word } from '../helpers/wire-client.js'

const acl = [{ perms: 31, id: { scheme: 'world', id: 'anyone' } }]
const create = (path: string, flags = 0) => ({ path, data: null, acl, flags })
const get = { path: '/kept', watch: false }

describe('a member that is left alone', () => {
  const network = memoryNetwork()
  let directory: string
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'vivarium-read-only-'))
  })
  after(() => rm(directory, { recursive: true }))
  const peers = new Map<number, Peer>()
  const open = async (id: number, options: Partial<PeerOptions> = {}): Promise<Peer> => {
    const members = { 1: 'memory://1', 2: 'memory://2', 3: 'memory://3' }
    const transport = memory({ network, name: String(id) })
    const peer = await Peer.open({
      id,
      dataDir: join(directory, String(id)),
      tickMs: 100,
      transport,
      members,
      ...options,
    })
    peers.set(id, peer)
    return peer
  }
  afterEach(async () => {
    await Promise.all([...peers.values()].map(peer => peer.close()))
    peers.clear()
  })

  it('C15: serves reads, takes no update, and lets go of everybody when there is a leader again', async function () {
    this.timeout(30_000)
    const modes = { localSessionsEnabled: true, readOnlyModeEnabled: true }
    const [left] = await Promise.all([
      open(1, {
        ...modes,
        clientPort: {
          port: 0,
          fourLetterWords: ['isro', 'srvr'],
          connectionsPerSecondMax: 0,
          connectionsPerSecondPerAddressMax: 0,
        },
      }),
      open(2, modes),
      open(3, modes),
    ])
    await left!.serving()
    const port = left!.clientPort!.port
    const zk = await left!.client()
    await zk.create('/kept', new Uint8Array([1]))
    await zk.close()
    const writer = await WireClient.connect(port, { readOnly: true })
    expect(writer.response.readOnly).to.equal(false)
    expect((await writer.ask(OpCode.create, records.createRequest, create('/mine', 1))).err).to.equal(
      zookeeperCodes.EPHEMERAL_ON_LOCAL_SESSION,
    )
    expect((await writer.ask(OpCode.create, records.createRequest, create('/plain'))).err).to.equal(0)
    await Promise.all([peers.get(2)!.close(), peers.get(3)!.close()])
    await writer.until(() => writer.ended)

    // As fast as it can, so without the paces that the port asks of newcomers.
    const looking = async (): Promise<WireClient> => {
      for (;;) {
        const client = await WireClient.connect(port, { readOnly: true })
        if (!client.ended) return client
        await new Promise(resolve => setImmediate(resolve))
      }
    }
    const reader = await looking()
    expect(reader.response.readOnly).to.equal(true)
    expect(await word(port, 'isro')).to.equal('ro')
    expect((await reader.ask(OpCode.getData, records.watchRequest, get)).err).to.equal(0)
    for (const write of [create('/no'), create('/no', 1)])
      expect((await reader.ask(OpCode.create, records.createRequest, write)).err).to.equal(zookeeperCodes.NOT_READ_ONLY)
    const plain = await WireClient.connect(port, { readOnly: false })
    expect(plain.ended).to.equal(true)

    await open(2, modes)
    await left!.serving()
    await reader.until(() => reader.ended)
    expect(await word(port, 'isro')).to.equal('rw')
    const again = await WireClient.connect(port, { readOnly: true })
    expect(again.response.readOnly).to.equal(false)
    expect((await again.ask(OpCode.exists, records.watchRequest, { path: '/no', watch: false })).err).to.equal(
      zookeeperCodes.NO_NODE,
    )
  })
})
