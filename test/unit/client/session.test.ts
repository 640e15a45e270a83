import { expect } from 'chai'
import type { ClientRequest, SetWatchesRequest } from '../../../lib/model/request.js'
import { errorResponse } from '../../../lib/model/response.js'
import { settled } from '../../helpers/virtual-clock.js'
import { failOnUnhandledRejections, record, refused, type World, world } from './world.js'

describe('session', () => {
  failOnUnhandledRejections()
  let w: World
  beforeEach(async () => {
    w = await world()
  })
  afterEach(async () => {
    const closing = w.zk.close()
    await w.clock.advance(60_000)
    await closing
    expect(w.clock.pending, 'R3: timers left after close').to.equal(0)
  })

  describe('after a lost connection', () => {
    it('attaches again with its session and the last zxid it has seen', async () => {
      await w.zk.create('/a')
      w.channel.cut()
      await w.clock.advance(2000)
      expect(w.channel.attaches.length).to.equal(2)
      const { resume, lastZxidSeen } = w.channel.attaches[1]!
      expect(lastZxidSeen).to.deep.equal({ epoch: 1, counter: 1 })
      expect(resume?.password).to.deep.equal(new Uint8Array(16).fill(1))
      expect(w.ensemble.sessions.size).to.equal(1)
      await w.zk.get('/a')
    })
    it('C2: fails what was sent as unknown, in order, and later sends what waited', async () => {
      w.channel.hold()
      const order: string[] = []
      const sent = ['/a', '/b'].map(path =>
        refused(w.zk.create(path), 'CONNECTION_LOSS', 'unknown').then(() => order.push(path)),
      )
      w.channel.cut()
      await Promise.all(sent)
      expect(order).to.deep.equal(['/a', '/b'])
      const waiting = w.zk.create('/c')
      expect(w.channel.kinds).to.deep.equal(['create', 'create'])
      await w.clock.advance(2000)
      expect(await waiting).to.equal('/c')
    })
    it('L2: what waits too long was not applied, and is never sent', async () => {
      w.channel.deaf = true
      w.channel.cut()
      await settled()
      const late = refused(w.zk.create('/a', undefined, { timeout: 100 }), 'CONNECTION_LOSS', 'not-applied')
      const controller = new AbortController()
      const aborted = refused(w.zk.create('/b', undefined, { signal: controller.signal }), 'ABORTED', 'not-applied')
      controller.abort()
      await aborted
      await w.clock.advance(100)
      await late
      w.channel.deaf = false
      w.channel.cut()
      await w.clock.advance(5000)
      await w.zk.sync()
      expect(w.channel.kinds).to.deep.equal(['sync'])
    })
    it('waits longer each time, up to two seconds, and afresh after a success', async () => {
      const waits = async (count: number): Promise<number[]> => {
        w.channel.attaches.length = 0
        w.channel.refusals.push(...Array.from({ length: count - 1 }, () => 'CONNECTION_LOSS' as const))
        const times: number[] = []
        let last = w.clock.now()
        w.channel.cut()
        await settled()
        while (times.length < count) {
          const before: number = w.channel.attaches.length
          await w.clock.advance(5)
          if (w.channel.attaches.length > before) {
            times.push(w.clock.now() - last)
            last = w.clock.now()
          }
        }
        return times
      }
      const first = await waits(10)
      expect(first[0]).to.be.at.most(20)
      expect(first[9]).to.be.within(1000, 2000)
      for (let i = 1; i < 8; i++) expect(first[i]).to.be.greaterThan(first[i - 1]!)
      expect((await waits(1))[0]).to.be.at.most(20)
    })
    it('tells its watches before anything else, in batches of at most 128 Ki of paths', async () => {
      const long = 'x'.repeat(1000)
      const paths = Array.from({ length: 300 }, (_, i) => `/${long}${i}`)
      const streams = paths.map(path => record(w.zk.exists$(path)))
      const tree = record(w.zk.subtree$('/t'))
      await settled()
      w.channel.cut()
      await settled()
      w.channel.sent.length = 0
      const call = w.zk.sync()
      await w.clock.advance(2000)
      await call
      const told = w.channel.sent.filter((request): request is SetWatchesRequest => request.kind === 'setWatches')
      expect(w.channel.kinds.slice(0, told.length).every(kind => kind === 'setWatches')).to.equal(true)
      expect(w.channel.kinds[told.length]).to.equal('sync')
      expect(told.length).to.equal(3)
      for (const { persistent, persistentRecursive } of told)
        expect([...persistent, ...persistentRecursive].join('').length).to.be.at.most(128 * 1024)
      expect(told.flatMap(({ persistent }) => persistent)).to.have.members(paths)
      expect(told.flatMap(({ persistentRecursive }) => persistentRecursive)).to.deep.equal(['/t'])
      for (const stream of streams) stream.stop()
      tree.stop()
    })
    it('leaves an attachment that refuses its watches, and tells the next one', async () => {
      const stream = record(w.zk.exists$('/a'))
      await settled()
      let refusals = 2
      w.channel.script = request =>
        request.kind === 'setWatches' && refusals-- > 0 ? errorResponse('THROTTLED_OP') : undefined
      w.channel.cut()
      await w.clock.advance(5000)
      expect(w.channel.attaches.length).to.equal(4)
      w.ensemble.create('/a')
      await settled()
      expect(stream.values.at(-1)?.exists).to.equal(true)
      stream.stop()
    })
    it('goes on when a stale answer of the old attachment could still come', async () => {
      w.channel.hold()
      const old = w.channel.current!
      const lost = refused(w.zk.sync(), 'CONNECTION_LOSS', 'unknown')
      w.channel.cut()
      await lost
      await w.clock.advance(100)
      w.channel.hold()
      const asked = w.zk.exists('/a')
      old.push(receiver => receiver.reply(1, { epoch: 9, counter: 9 }, { kind: 'done' }))
      await settled()
      w.channel.release()
      expect(await asked).to.equal(undefined)
    })
  })

  describe('state$', () => {
    it('tells connecting, connected, suspended and closed', async () => {
      const states = record(w.zk.state$)
      w.channel.setServing(false)
      await settled()
      w.channel.setServing(true)
      await settled()
      w.channel.serving = false
      w.channel.cut()
      await w.clock.advance(2000)
      w.channel.setServing(true)
      await settled()
      await w.zk.close()
      expect(states.values).to.deep.equal([
        'connected',
        'suspended',
        'connected',
        'connecting',
        'suspended',
        'connected',
        'closed',
      ])
      expect(states.ends).to.deep.equal(['complete'])
    })
  })

  describe('expired', () => {
    it('C16: is final for calls made before and after, and for streams', async () => {
      const states = record(w.zk.state$)
      const data = record(w.zk.data$('/a'))
      await settled()
      w.channel.hold()
      const pending = refused(w.zk.create('/a'), 'SESSION_EXPIRED', 'unknown')
      w.ensemble.expire(w.channel.current!.session!)
      await pending
      const attaches = w.channel.attaches.length
      await refused(w.zk.get('/a'), 'SESSION_EXPIRED', 'not-applied')
      expect(data.ends).to.deep.equal(['SESSION_EXPIRED'])
      expect(record(w.zk.data$('/a')).ends).to.deep.equal(['SESSION_EXPIRED'])
      await w.clock.advance(60_000)
      expect(w.channel.attaches.length).to.equal(attaches)
      await w.zk.close()
      expect(states.values).to.deep.equal(['connected', 'expired', 'closed'])
    })
    it('C16: while cut off, ends what waits as not applied', async () => {
      w.ensemble.sessions.clear()
      w.channel.cut()
      await settled()
      const waiting = refused(w.zk.create('/a'), 'SESSION_EXPIRED', 'not-applied')
      await w.clock.advance(100)
      await waiting
    })
  })

  describe('close', () => {
    it('answers what was asked before, ends the session, refuses what is asked after', async () => {
      const order: string[] = []
      await w.zk.create('/e', undefined, { ephemeral: true })
      const before = w.zk.create('/a').then(() => order.push('create'))
      const closing = w.zk.close().then(() => order.push('close'))
      await refused(w.zk.get('/a'), 'CLOSED', 'not-applied')
      await Promise.all([before, closing])
      expect(order).to.deep.equal(['create', 'close'])
      expect([...w.ensemble.tree.keys()]).to.deep.equal(['/', '/a'])
      expect(w.ensemble.attachments.size).to.equal(0)
    })
    it('is idempotent, and the same for every view', async () => {
      const first = w.zk.close()
      expect(w.zk.chroot('/x').close()).to.equal(first)
      await w.zk[Symbol.asyncDispose]()
      expect(w.channel.kinds).to.deep.equal(['closeSession'])
    })
    it('while cut off waits for the next attachment and ends the session there', async () => {
      w.channel.cut()
      await settled()
      const closing = w.zk.close()
      await w.clock.advance(1000)
      await closing
      expect(w.ensemble.sessions.size).to.equal(0)
      expect(w.clock.pending).to.equal(0)
    })
    it('says it again when the connection is lost before the answer', async () => {
      w.channel.hold()
      const lost = refused(w.zk.create('/a'), 'CONNECTION_LOSS', 'unknown')
      const closing = w.zk.close()
      w.channel.cut()
      await lost
      await w.clock.advance(1000)
      await closing
      expect(w.channel.kinds).to.deep.equal(['create', 'closeSession', 'closeSession'])
      expect(w.ensemble.sessions.size).to.equal(0)
    })
    it('takes at most the session timeout when nobody answers', async () => {
      w.channel.deaf = true
      w.channel.cut()
      await settled()
      const waiting = refused(w.zk.create('/a'), 'CLOSED', 'not-applied')
      const closing = w.zk.close()
      await w.clock.advance(10_000)
      await Promise.all([closing, waiting])
      expect(w.clock.pending).to.equal(0)
      w.channel.deaf = false
    })
    it('by the peer closes the client', async () => {
      const states = record(w.zk.state$)
      const data = record(w.zk.data$('/a'))
      await settled()
      w.channel.cut('CLOSED')
      await settled()
      await refused(w.zk.get('/a'), 'CLOSED')
      expect(states.values).to.deep.equal(['connected', 'closed'])
      expect(data.ends).to.deep.equal(['complete'])
    })
    it('R3: at any moment of a life leaves nothing behind', async () => {
      for (let moment = 0; moment < 12; moment++) {
        const some = await world()
        const data = record(some.zk.data$('/a'))
        record(some.zk.subtree$('/'))
        const calls: Promise<unknown>[] = []
        const settles = (call: Promise<unknown>): void => {
          // How it ends is not the question here, only that it does.
          calls.push(call.catch(() => undefined))
        }
        const script: Array<() => void> = [
          () => settles(some.zk.create('/a', 'x')),
          () => some.channel.hold(),
          () => settles(some.zk.set('/a', 'y')),
          () => some.channel.setServing(false),
          () => some.channel.cut(),
          () => settles(some.zk.get('/a')),
        ]
        let seen = 0
        for (let step = 0; step < moment; step++) {
          script[step % script.length]!()
          await some.clock.advance(step % 2 === 0 ? 0 : 15)
        }
        const closing = some.zk.close()
        seen = data.values.length
        const results = Promise.all(calls)
        await some.clock.advance(60_000)
        await Promise.all([closing, results])
        expect(some.clock.pending, `timers, closed at moment ${moment}`).to.equal(0)
        expect(some.ensemble.attachments.size, `attachments, closed at moment ${moment}`).to.equal(0)
        expect(data.values.length, `W10: values after close at moment ${moment}`).to.equal(seen)
        expect(data.ends).to.deep.equal(['complete'])
      }
    })
  })

  it('C3: the last zxid seen moves with answers only', async () => {
    const stream = record(w.zk.events$('/a'))
    await w.zk.sync()
    w.channel.current!.push(receiver => receiver.event({ type: 'created', path: '/a', zxid: { epoch: 7, counter: 7 } }))
    await settled()
    w.channel.cut()
    await w.clock.advance(1000)
    expect(w.channel.attaches.at(-1)!.lastZxidSeen).to.deep.equal({ epoch: 1, counter: 0 })
    expect(stream.values.map(({ type }) => type)).to.deep.equal(['created', 'gap'])
    stream.stop()
  })

  it('counts requests up from 1 on each attachment', async () => {
    const numbers: Array<[number, ClientRequest['kind']]> = []
    const attach = w.channel.attach.bind(w.channel)
    w.channel.attach = (options, receiver) => {
      const attachment = attach(options, receiver)
      return {
        send: (cxid, request) => {
          numbers.push([cxid, request.kind])
          attachment.send(cxid, request)
        },
        detach: () => attachment.detach(),
      }
    }
    const stream = record(w.zk.exists$('/a'))
    await settled()
    w.channel.cut()
    await w.clock.advance(1000)
    await w.zk.sync()
    expect(numbers).to.deep.equal([
      [1, 'setWatches'],
      [2, 'exists'],
      [3, 'sync'],
    ])
    stream.stop()
  })
})
