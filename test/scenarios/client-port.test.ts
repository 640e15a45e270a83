/**
 * The client port as ZooKeeper's clients meet it: a real peer, real sockets, and a client that says exactly what it is told to. What each request
 * answers is judged by ZooKeeper itself in test/differential; here stand the life of a connection and its limits.
 */
import { expect } from 'chai'
import type { ClientPortOptions, Logger } from '../../lib/index.js'
import { hasCode, Peer, text } from '../../lib/index.js'
import { OpCode, Xid } from '../../lib/jute/op-codes.js'
import * as records from '../../lib/jute/records.js'
import { ZERO, zxid } from '../../lib/model/zxid.js'
import { memory, memoryNetwork } from '../../transports/memory/index.js'
import { bodyOf, WireClient, word } from '../helpers/wire-client.js'

const acl = [{ perms: 31, id: { scheme: 'world', id: 'anyone' } }]
const create = (path: string, flags = 0, data: Uint8Array | null = null) => ({ path, data, acl, flags })

describe('the client port', () => {
  let peer: Peer
  let port: number

  async function open(options: Partial<ClientPortOptions> = {}, logger?: Logger): Promise<void> {
    const clientPort = { port: 0, ...options }
    peer = await Peer.open({ id: 1, dataDir: ':memory:', tickMs: 100, clientPort, ...(logger && { logger }) })
    await peer.serving()
    port = peer.clientPort!.port
  }

  afterEach(() => peer.close())

  describe('connecting', () => {
    beforeEach(() => open())

    it('answers a ConnectRequest with readOnly by 37 bytes, one without by 36', async () => {
      const [newer, older] = [await WireClient.connect(port), await WireClient.connect(port, { readOnly: undefined })]
      expect([newer.responseBytes?.length, older.responseBytes?.length]).to.deep.equal([37, 36])
      expect(newer.response).to.deep.include({ protocolVersion: 0, timeOut: 2000, readOnly: false })
      expect(older.response.readOnly).to.equal(undefined)
      expect(newer.response.passwd?.length).to.equal(16)
    })

    it('goes on with a session under the same id and password, and takes the connection that had it before', async () => {
      const first = await WireClient.connect(port)
      const second = await WireClient.connect(port, first.session)
      expect(second.session).to.deep.equal(first.session)
      await first.until(() => first.ended)
      expect((await second.ping()).err).to.equal(0)
    })

    it('refuses an unknown session, and a wrong password without disturbing whose session it is (S7)', async () => {
      const owner = await WireClient.connect(port)
      const passwd = new Uint8Array(16)
      for (const wrong of [
        { session: owner.session.session, passwd },
        { ...owner.session, session: '01'.repeat(8) as never },
      ]) {
        const refused = await WireClient.connect(port, wrong)
        expect(refused.response).to.deep.include({ timeOut: 0, sessionId: records.NO_SESSION })
        expect([...refused.response.passwd!]).to.deep.equal([...passwd])
        await refused.until(() => refused.ended)
      }
      expect((await owner.ping()).err).to.equal(0)
    })

    it('closes without an answer on a client that has seen more than this peer (C3)', async () => {
      const ahead = await WireClient.connect(port, { lastZxidSeen: zxid(9, 9) })
      expect([ahead.ended, ahead.responseBytes]).to.deep.equal([true, undefined])
    })

    it('takes a negative lastZxidSeen for nothing seen', async () => {
      const client = await WireClient.connect(port, { lastZxidSeen: zxid(0xffffffff, 0xffffffff) })
      expect(client.response.timeOut).to.equal(2000)
    })

    it('knows nothing but a ConnectRequest before there is a session', async () => {
      const client = await WireClient.open(port)
      client.frame(writer => writer.int(7))
      await client.until(() => client.ended)
    })
  })

  describe('a session', () => {
    let client: WireClient
    beforeEach(async () => {
      await open()
      client = await WireClient.connect(port)
    })

    it('is answered in the order of its requests, each under its number, pings in their place (C2)', async () => {
      client.send(OpCode.create, records.createRequest, create('/a', 2))
      client.send(OpCode.ping, undefined, undefined, Xid.ping)
      client.send(OpCode.exists, records.watchRequest, { path: '/none', watch: false })
      client.send(OpCode.sync, records.syncRequest, { path: '/any' })
      client.send(OpCode.create, records.createRequest, create('/a', 2))
      await client.until(() => client.frames.length === 5)
      expect(client.frames.map(({ xid, err }) => [xid, err])).to.deep.equal([
        [1, 0],
        [-2, 0],
        [2, -101],
        [3, 0],
        [4, 0],
      ])
      expect(bodyOf(client.frames[4]!, records.pathResponse).path).to.equal('/a0000000001')
    })

    it('hears an event before the answer to the write that caused it, with its zxid (W1)', async () => {
      await client.ask(OpCode.create, records.createRequest, create('/a'))
      await client.ask(OpCode.getData, records.watchRequest, { path: '/a', watch: true })
      const set = await client.ask(OpCode.setData, records.setDataRequest, { path: '/a', data: null, version: -1 })
      expect(client.frames.slice(-2).map(({ xid }) => xid)).to.deep.equal([Xid.notification, 3])
      expect(client.events).to.deep.equal([{ type: 3, path: '/a', zxid: set.zxid }])
    })

    it('is told what it missed by setWatches, ahead of the answer and without a zxid', async () => {
      await client.ask(OpCode.create, records.createRequest, create('/a'))
      const lists = { dataWatches: ['/a', '/gone'], existWatches: [], childWatches: [] }
      const xid = client.send(
        OpCode.setWatches,
        records.setWatchesRequest,
        { relativeZxid: ZERO, ...lists },
        Xid.setWatches,
      )
      await client.answer(xid)
      const none = zxid(0xffffffff, 0xffffffff)
      expect(client.events).to.deep.equal([
        { type: 3, path: '/a', zxid: none },
        { type: 2, path: '/gone', zxid: none },
      ])
      expect(client.frames.at(-1)?.xid).to.equal(Xid.setWatches)
    })

    it('keeps null data null and empty data empty', async () => {
      for (const [path, data] of [
        ['/null', null],
        ['/empty', new Uint8Array(0)],
      ] as const) {
        await client.ask(OpCode.create, records.createRequest, create(path, 0, data))
        const answer = await client.ask(OpCode.getData, records.watchRequest, { path, watch: false })
        expect(bodyOf(answer, records.dataResponse).data?.length).to.equal(data?.length)
      }
    })

    it('survives what it cannot say: MARSHALLING_ERROR, and the connection goes on', async () => {
      expect((await client.ask(OpCode.getData)).err).to.equal(-5)
      expect((await client.ask(OpCode.create)).err).to.equal(-5)
      expect((await client.ping()).err).to.equal(0)
    })

    it('is left by the server behind the answer to an unknown opcode, and lives on', async () => {
      expect((await client.ask(999)).err).to.equal(-6)
      await client.until(() => client.ended)
      const again = await WireClient.connect(port, client.session)
      expect(again.session).to.deep.equal(client.session)
    })

    it('answers closeSession, deletes the ephemerals and closes', async () => {
      await client.ask(OpCode.create, records.createRequest, create('/mine', 1))
      expect((await client.ask(OpCode.closeSession)).err).to.equal(0)
      await client.until(() => client.ended)
      expect(peer.view.exists('/mine')).to.equal(false)
    })

    it('expires when its client is silent, and lives while it pings (S2, S3)', async () => {
      const silent = await WireClient.connect(port, { timeOut: 200 })
      const until = Date.now() + 800
      while (Date.now() < until) {
        await client.ping()
        await new Promise(resolve => setImmediate(resolve))
      }
      await silent.until(() => silent.ended)
      const late = await WireClient.connect(port, silent.session)
      expect(late.response.timeOut).to.equal(0)
      expect((await client.ping()).err).to.equal(0)
    })

    it('and clients in the process see one order and one tree', async () => {
      const inside = await peer.client({ codec: text })
      await client.ask(OpCode.create, records.createRequest, create('/a', 0, Buffer.from('out')))
      expect((await inside.get('/a')).value).to.equal('out')
      await client.ask(OpCode.exists, records.watchRequest, { path: '/a', watch: true })
      await inside.set('/a', 'in')
      await client.until(() => client.events.length === 1)
      const answer = await client.ask(OpCode.getData, records.watchRequest, { path: '/a', watch: false })
      expect(Buffer.from(bodyOf(answer, records.dataResponse).data!).toString()).to.equal('in')
    })
  })

  describe('limits', () => {
    it('closes a newcomer past the connections of its address', async () => {
      await open({ connectionsPerAddressMax: 2 })
      const kept = [await WireClient.connect(port), await WireClient.connect(port)]
      const over = await WireClient.connect(port)
      expect([over.ended, over.responseBytes]).to.deep.equal([true, undefined])
      await kept[0]!.close()
      await until(async () => (await WireClient.connect(port)).responseBytes !== undefined)
      expect((await kept[1]!.ping()).err).to.equal(0)
    })

    it('who comes and says nothing keeps nobody out, however many they are', async () => {
      await open({
        sessionlessMax: 5,
        sessionlessTimeoutMs: 60_000,
        connectionsPerSecondPerAddressMax: 0,
        fourLetterWords: ['mntr'],
      })
      const kept = await WireClient.connect(port)
      const quiet = await Promise.all(Array.from({ length: 20 }, () => WireClient.open(port)))
      const left = () => quiet.filter(({ ended }) => !ended).length
      await until(async () => left() <= 5)
      await until(async () => (await WireClient.connect(port)).responseBytes !== undefined)
      expect((await kept.ping()).err).to.equal(0)
      const rejected = /^zk_connection_rejected\t(\d+)$/m.exec(await word(port, 'mntr'))?.[1]
      expect(Number(rejected)).to.be.at.least(16)
    })

    it('closes newcomers who come too fast, and tells the log once of all of them', async () => {
      const told: unknown[] = []
      const warn = (message: string, fields?: object) => told.push({ message, ...fields })
      await open({ connectionsPerSecondPerAddressMax: 5 }, { debug() {}, info() {}, error() {}, warn })
      const clients = await Promise.all(Array.from({ length: 20 }, () => WireClient.connect(port)))
      const served = clients.filter(({ responseBytes }) => responseBytes !== undefined)
      expect(served.length).to.be.within(5, 19)
      for (const client of served) expect((await client.ping()).err).to.equal(0)
      await until(async () => (await WireClient.connect(port)).responseBytes !== undefined)
      expect(told).to.have.length(1)
      expect(told[0]).to.deep.include({ of: 'pace of the address', closed: 1, last: '127.0.0.1' })
    })

    it('closes a connection that has no session in time, and one whose request does not end', async () => {
      await open({ sessionlessTimeoutMs: 300, frameTimeoutMs: 300 })
      const quiet = await WireClient.open(port)
      const slow = await WireClient.connect(port)
      slow.socket.write(Buffer.from([0, 0, 0, 20, 0]))
      await Promise.all([quiet, slow].map(each => each.until(() => each.ended)))
    })

    it('closes on a frame of a negative length, and on one above the limit; the next client is served', async () => {
      await open({ frameBytesMax: 2048 })
      for (const length of [-1, 2049, 0x7fffffff]) {
        const client = await WireClient.connect(port)
        const header = Buffer.alloc(4)
        header.writeInt32BE(length)
        client.socket.write(header)
        await client.until(() => client.ended)
      }
      const client = await WireClient.connect(port)
      const data = new Uint8Array(1900)
      expect((await client.ask(OpCode.create, records.createRequest, create('/a', 0, data))).err).to.equal(0)
    })

    it('reads on when answers make room: a thousand requests at once over a limit of three', async () => {
      await open({ outstandingMax: 3, connectionOutstandingMax: 2 })
      const clients = [await WireClient.connect(port), await WireClient.connect(port)]
      for (let n = 0; n < 500; n++)
        for (const client of clients) client.send(OpCode.create, records.createRequest, create('/s-', 2))
      await Promise.all(clients.map(client => client.until(() => client.frames.length === 500)))
      for (const { frames } of clients) {
        expect(frames.map(({ xid }) => xid)).to.deep.equal(frames.map((_, index) => index + 1))
        expect(frames.every(({ err }) => err === 0)).to.equal(true)
      }
    })

    it('passes on one request at a time, each client in its order, and closes sessions whose clients are gone', async () => {
      await open({ requestThrottleMax: 1 })
      const clients = [await WireClient.connect(port), await WireClient.connect(port)]
      for (let n = 0; n < 200; n++)
        for (const client of clients) client.send(OpCode.create, records.createRequest, create('/s-', 3))
      await Promise.all(clients.map(client => client.until(() => client.frames.length === 200)))
      for (const { frames } of clients)
        expect(frames.map(({ xid }) => xid)).to.deep.equal(frames.map((_, index) => index + 1))
      for (const client of clients) {
        client.send(OpCode.closeSession)
        client.socket.end()
      }
      await until(async () => peer.view.children('/')?.length === 1)
    })

    it('closes a session that may not begin yet, and one that may not go on, without an answer', async () => {
      await open({ connectionTokensMax: 2, connectionTokensFillMs: 3_600_000 })
      const kept = await WireClient.connect(port)
      await (await WireClient.connect(port)).close()
      for (const options of [{}, kept.session]) {
        const over = await WireClient.connect(port, options)
        expect([over.ended, over.responseBytes]).to.deep.equal([true, undefined])
      }
      expect((await kept.ping()).err).to.equal(0)
    })

    it('closes on a large request past the bound of all large ones, as soon as its length is known', async () => {
      await open({ largeRequestBytes: 1000, largeRequestBytesMax: 5000 })
      const [announces, sends, kept] = [
        await WireClient.connect(port),
        await WireClient.connect(port),
        await WireClient.connect(port),
      ]
      announces.socket.write(Buffer.from([0, 0, 0x13, 0x89, 0]))
      sends.send(OpCode.create, records.createRequest, create('/b', 0, new Uint8Array(5000)))
      await Promise.all([announces, sends].map(each => each.until(() => each.ended)))
      for (const path of ['/a', '/b']) {
        const data = new Uint8Array(4900)
        expect((await kept.ask(OpCode.create, records.createRequest, create(path, 0, data))).err).to.equal(0)
      }
    })

    it('does not read from who does not read his answers, and in the end lets him go', async () => {
      await open({ outQueueBytesPause: 64 * 1024, outQueueBytesMax: 512 * 1024 })
      const client = await WireClient.connect(port)
      await client.ask(OpCode.create, records.createRequest, create('/large', 0, new Uint8Array(100_000)))
      await client.ask(OpCode.addWatch, records.addWatchRequest, { path: '/', mode: 1 })
      client.socket.pause()
      for (let n = 0; n < 300; n++) client.send(OpCode.getData, records.watchRequest, { path: '/large', watch: false })
      // Its answers wait, unread requests too; but events come whether it asks or not.
      const inside = await peer.client()
      const path = `/${'x'.repeat(10_000)}`
      await inside.create(path)
      await until(async () => {
        await inside.set(path, new Uint8Array(1))
        return peer.status.clients === 1
      })
      await client.close()
      expect(peer.health().ok).to.equal(true)
    })

    it('complains of options that make no sense, all at once', async () => {
      await open()
      const clientPort = { port: -1, connectionsMax: 0.5, nonsense: 1 } as unknown as ClientPortOptions
      const refused = await Peer.open({ id: 1, dataDir: ':memory:', clientPort }).catch(error => error)
      expect(hasCode(refused, 'BAD_OPTIONS')).to.equal(true)
      for (const name of ['port', 'connectionsMax', 'nonsense'])
        expect(refused.message).to.include(`clientPort.${name}`)
    })
  })

  describe('its life', () => {
    it('says PORT_IN_USE, and leaves nothing of the peer behind', async () => {
      await open()
      const refused = await Peer.open({ id: 1, dataDir: ':memory:', clientPort: port }).catch(error => error)
      expect(hasCode(refused, 'PORT_IN_USE')).to.equal(true)
      expect((await WireClient.connect(port)).response.timeOut).to.equal(2000)
    })

    it('ends with the peer: connections closed, the port free (R3)', async () => {
      await open()
      const client = await WireClient.connect(port)
      await peer.close()
      await client.until(() => client.ended)
      expect(peer.clientPort).to.equal(undefined)
      const next = await Peer.open({ id: 1, dataDir: ':memory:', clientPort: port })
      await next.close()
    })

    it('serves nobody while its peer has no ensemble, and none at a leader that is to leave them to the others', async () => {
      const network = memoryNetwork()
      const members = { 1: 'memory://1', 2: 'memory://2' }
      let leaderServes = true
      const one = (id: number) =>
        Peer.open({
          id,
          dataDir: ':memory:',
          tickMs: 100,
          members,
          transport: memory({ network, name: String(id) }),
          clientPort: { port: 0, fourLetterWords: ['srvr', 'ruok', 'isro', 'mntr'], leaderServes },
        })
      peer = await one(1)
      port = peer.clientPort!.port
      const early = await WireClient.connect(port)
      expect([early.ended, early.responseBytes]).to.deep.equal([true, undefined])
      expect(await word(port, 'srvr')).to.equal('This ZooKeeper instance is not currently serving requests\n')
      expect([await word(port, 'ruok'), await word(port, 'isro')]).to.deep.equal(['imok', 'null'])
      const other = await one(2)
      await peer.serving()
      const client = await WireClient.connect(port)
      expect(client.response.timeOut).to.equal(2000)
      const leader = peer.status.role === 'leading' ? peer : other
      const follower = leader === peer ? other : peer
      await until(async () => /^zk_synced_followers\t1$/m.test(await word(leader.clientPort!.port, 'mntr')))
      expect(await word(leader.clientPort!.port, 'mntr')).to.match(
        /^zk_learners\t1\nzk_synced_followers\t1\nzk_synced_non_voting_followers\t0\nzk_synced_observers\t0\nzk_pending_syncs\t0\nzk_leader_uptime\t\d+\n$/m,
      )
      expect(await word(follower.clientPort!.port, 'mntr')).to.not.include('zk_learners')
      await other.close()
      await client.until(() => client.ended)
      await peer.close()
      leaderServes = false
      const [first, second] = [await one(1), await one(2)]
      await Promise.all([first.serving(), second.serving()])
      const [leads, follows] = first.status.role === 'leading' ? [first, second] : [second, first]
      const refused = await WireClient.connect(leads.clientPort!.port)
      expect([refused.ended, refused.responseBytes]).to.deep.equal([true, undefined])
      expect(await word(leads.clientPort!.port, 'srvr')).to.include('not currently serving')
      expect((await WireClient.connect(follows.clientPort!.port)).response.timeOut).to.equal(2000)
      await Promise.all([first.close(), second.close()])
    })
  })

  describe('four-letter words', () => {
    it('are carried out when they are on the list; srvr is, by default', async () => {
      await open()
      const answer = await word(port, 'srvr')
      expect(answer).to.match(/^Zookeeper version: 3\.9\.\d+-/)
      for (const line of ['Mode: standalone', 'Node count: 5', 'Connections: 1', 'Zxid: 0x'])
        expect(answer).to.include(line)
      expect(await word(port, 'ruok')).to.equal('ruok is not executed because it is not in the whitelist.\n')
    })

    it('may be all allowed, and come in pieces', async () => {
      await open({ fourLetterWords: ['*'] })
      const client = await WireClient.connect(port)
      await client.ask(OpCode.create, records.createRequest, create('/mine', 1))
      expect(await word(port, 'isro')).to.equal('rw')
      await client.ask(OpCode.exists, records.watchRequest, { path: '/none', watch: true })
      await client.ask(OpCode.addWatch, records.addWatchRequest, { path: '/', mode: 1 })
      expect(await word(port, 'wchs')).to.equal('1 connections watching 2 paths\nTotal watches:2\n')
      expect(await word(port, 'wchp')).to.match(/^\/none\n\t0x1[0-9a-f]+\n\/\n\t0x1[0-9a-f]+\n/)
      expect(await word(port, 'wchc')).to.match(/^0x1[0-9a-f]+\n\t\/none\n\t\/\n/)
      expect(await word(port, 'mntr')).to.match(/^zk_ephemerals_count\t1$/m)
      expect(await word(port, 'mntr')).to.match(
        /^zk_throttled_ops\t0\nzk_stale_requests_dropped\t0\nzk_connection_drop_probability\t0\.0\nzk_last_client_response_size\t\d+\nzk_max_client_response_size\t\d\d+$/m,
      )
      if (process.platform === 'linux')
        expect(await word(port, 'mntr')).to.match(
          /^zk_open_file_descriptor_count\t[1-9]\d*\nzk_max_file_descriptor_count\t\d+$/m,
        )
      expect(await word(port, 'dump')).to.match(/^\t\/mine$/m)
      expect(await word(port, 'conf')).to.match(
        /^clientPort=[1-9]\d*\n.*\n.*\ndataDirSize=0\n.*\ndataLogSize=0\ntickTime=100$/m,
      )
      expect(await word(port, 'dirs')).to.equal('datadir_size: 0\nlogdir_size: 0\n')
      expect(await word(port, 'hash')).to.match(/^(?:1[0-9a-f]{8}: -?\d+\n)+$/)
      expect(await word(port, 'cons')).to.match(
        /^ \/127\.0\.0\.1:\d+\[1\]\(queued=0,recved=4,sent=4,sid=0x1[0-9a-f]+,lop=ADDW,/m,
      )
      for (const [name, start] of [
        ['stat', 'Zookeeper version'],
        ['envi', 'Environment:\nzookeeper.version=3.9.'],
        ['crst', 'Connection stats reset.'],
        ['srst', 'Server stats reset.'],
      ] as const)
        expect((await word(port, name)).startsWith(start), name).to.equal(true)
      const slowly = await WireClient.open(port)
      const seen: Buffer[] = []
      slowly.socket.removeAllListeners('data').on('data', part => seen.push(part as Buffer))
      for (const letter of 'ruok') {
        slowly.socket.write(letter)
        await new Promise(resolve => setImmediate(resolve))
      }
      await slowly.until(() => slowly.ended)
      expect(Buffer.concat(seen).toString()).to.equal('imok')
    })
  })
})

async function until(condition: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 10_000
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`not so in time: ${condition}`)
    await new Promise(resolve => setImmediate(resolve))
  }
}
