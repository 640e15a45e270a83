import { getEventListeners } from 'node:events'
import { expect } from 'chai'
import { type Client, openClient } from '../../../lib/client/client.js'
import { json, raw, text } from '../../../lib/client/codec.js'
import { op } from '../../../lib/client/transaction.js'
import { Permission } from '../../../lib/model/acl.js'
import type { ReplyCode } from '../../../lib/model/errors.js'
import { errorResponse } from '../../../lib/model/response.js'
import { bytes, contents, FakeChannel, FakeEnsemble } from '../../helpers/fake-channel.js'
import { settled, VirtualClock } from '../../helpers/virtual-clock.js'
import { failOnUnhandledRejections, refused, steady, type World, world } from './world.js'

describe('client', () => {
  failOnUnhandledRejections()
  let w: World
  let zk: Client<string>
  beforeEach(async () => {
    w = await world()
    zk = w.zk
  })
  afterEach(async () => {
    w.channel.script = () => undefined
    w.channel.release()
    const closing = zk.close()
    await w.clock.advance(60_000)
    await closing
    expect(w.clock.pending, 'R3: timers left after close').to.equal(0)
  })

  describe('create', () => {
    it('resolves with the path and stores the encoded value', async () => {
      expect(await zk.create('/a', 'x')).to.equal('/a')
      expect(contents(w.ensemble, '/a')).to.deep.equal(new Map([['/a', 'x']]))
    })
    it('resolves with the final path of a sequential znode', async () => {
      await zk.create('/q')
      expect(await zk.create('/q/', 'x', { sequential: true })).to.equal('/q/0000000000')
      expect(await zk.create('/q/n-', 'x', { sequential: true, ephemeral: true })).to.equal('/q/n-0000000001')
      expect((await zk.exists('/q/n-0000000001'))?.ephemeralOwner).to.equal(zk.session.id)
    })
    it('creates missing parents without data, and the same with a chroot that is not there', async () => {
      expect(await zk.create('/a/b/c', 'x', { parents: true })).to.equal('/a/b/c')
      const app = zk.chroot('/apps/one')
      expect(await app.create('/x', 'y', { parents: true })).to.equal('/x')
      expect([...contents(w.ensemble, '/')]).to.deep.equal([
        ['/', undefined],
        ['/a', undefined],
        ['/a/b', undefined],
        ['/a/b/c', 'x'],
        ['/apps', undefined],
        ['/apps/one', undefined],
        ['/apps/one/x', 'y'],
      ])
    })
    it('begins anew when a parent is deleted before its child is created', async () => {
      let creations = 0
      w.channel.script = request => {
        if (request.kind === 'create' && ++creations === 3) w.ensemble.delete('/a')
        return undefined
      }
      expect(await zk.create('/a/b/c', 'x', { parents: true })).to.equal('/a/b/c')
    })
    it('is content with an existing znode if told so', async () => {
      await zk.create('/a', 'x')
      expect(await zk.create('/a', 'y', { ifMissing: true })).to.equal('/a')
      expect((await zk.get('/a')).value).to.equal('x')
    })
  })

  describe('get, exists, set and delete', () => {
    it('get resolves with value, stat and zxid', async () => {
      await zk.create('/a', 'x')
      await zk.create('/b')
      const { value, stat, zxid } = await zk.get('/a')
      expect([value, stat.czxid, stat.version, stat.dataLength, zxid]).to.deep.equal([
        'x',
        0x1_0000_0001n,
        0,
        1,
        0x1_0000_0002n,
      ])
    })
    it('gives undefined for a znode without data', async () => {
      await zk.create('/a')
      expect((await zk.get('/a')).value).to.equal(undefined)
    })
    it('exists resolves with undefined for a missing znode', async () => {
      expect(await zk.exists('/a')).to.equal(undefined)
      await zk.create('/a', 'xyz')
      expect((await zk.exists('/a'))?.dataLength).to.equal(3)
    })
    it('set resolves with the new stat, and checks the version', async () => {
      await zk.create('/a', 'x')
      expect((await zk.set('/a', 'y', { version: 0 })).version).to.equal(1)
      await refused(zk.set('/a', 'z', { version: 0 }), 'BAD_VERSION', 'not-applied')
    })
    it('upsert creates what is missing, sets what is there, and excludes a version', async () => {
      expect((await zk.set('/a', 'x', { upsert: true })).version).to.equal(0)
      expect((await zk.set('/a', 'y', { upsert: true })).version).to.equal(1)
      await refused(zk.set('/a', 'y', { upsert: true, version: 1 }), 'BAD_ARGUMENTS')
    })
    it('update sets what was made of the value, again if somebody was faster', async () => {
      await zk.create('/n', '1')
      const result = await zk.update('/n', value => {
        if (value === '1') w.ensemble.set('/n', '5')
        return String(Number(value) + 1)
      })
      expect([result.value, result.stat.version]).to.deep.equal(['6', 2])
      expect((await zk.get('/n')).value).to.equal('6')
    })
    it('update never sets a znode whose version would match any', async () => {
      await zk.create('/n', '0')
      const znode = w.ensemble.tree.get('/n')!
      znode.stat = { ...znode.stat, version: -1 }
      await refused(
        zk.update('/n', () => '1'),
        'BAD_VERSION',
      )
    })
    it('concurrent updates lose none', async () => {
      await zk.create('/n', '0')
      await Promise.all(Array.from({ length: 20 }, () => zk.update('/n', value => String(Number(value) + 1))))
      expect((await zk.get('/n')).value).to.equal('20')
    })
    it('update rejects with what the function throws, and ends at its timeout however often others are faster', async () => {
      await zk.create('/n', '0')
      const oops = new Error('oops')
      expect(await zk.update('/n', () => Promise.reject(oops)).catch(error => error)).to.equal(oops)
      w.channel.script = request => (request.kind === 'setData' ? errorResponse('BAD_VERSION') : undefined)
      const endless = refused(
        zk.update(
          '/n',
          async value => {
            await w.clock.advance(10)
            return value
          },
          { timeout: 100 },
        ),
        'CONNECTION_LOSS',
      )
      await endless
      expect(w.clock.now()).to.be.within(100, 120)
    })
    it('L2: update ends at its timeout, by its signal and with the client, whatever becomes of the new value', async () => {
      await zk.create('/n', '0')
      const never = (): Promise<string> => new Promise(() => undefined)
      const late = refused(zk.update('/n', never, { timeout: 100 }), 'CONNECTION_LOSS')
      await settled()
      await w.clock.advance(100)
      await late
      const controller = new AbortController()
      const aborted = refused(zk.update('/n', never, { signal: controller.signal }), 'ABORTED')
      await settled()
      controller.abort()
      await aborted
      const closed = refused(zk.update('/n', never), 'CLOSED')
      await settled()
      await zk.close()
      await closed
    })
    it('C2: what is content with a refusal is answered before what was called after it', async () => {
      await zk.create('/n')
      const answered: string[] = []
      const note = (what: string) => () => void answered.push(what)
      await Promise.all([
        zk.create('/n', 'x', { ifMissing: true }).then(note('create')),
        zk.get('/n').then(note('get')),
        zk.delete('/m', { ifExists: true }).then(note('delete')),
        zk.exists('/n').then(note('exists')),
      ])
      expect(answered).to.deep.equal(['create', 'get', 'delete', 'exists'])
    })
    it('delete checks the version, and is content with a missing znode if told so', async () => {
      await zk.create('/a')
      await refused(zk.delete('/a', { version: 3 }), 'BAD_VERSION')
      await zk.delete('/a', { version: 0 })
      await refused(zk.delete('/a'), 'NO_NODE')
      await zk.delete('/a', { ifExists: true })
    })
    it('deletes a subtree, also when children appear meanwhile', async () => {
      for (const path of ['/a', '/a/b', '/a/b/c', '/a/d', '/ab']) w.ensemble.create(path)
      let once = true
      w.channel.script = request => {
        if (request.kind === 'delete' && request.path === '/a/d' && once) {
          once = false
          w.ensemble.create('/a/late')
        }
        return undefined
      }
      await zk.delete('/a', { recursive: true })
      expect([...w.ensemble.tree.keys()]).to.deep.equal(['/', '/ab'])
    })
    it('deletes a large subtree deepest first, in one go', async () => {
      w.ensemble.create('/a')
      for (let i = 0; i < 150; i++) {
        w.ensemble.create(`/a/${i}`)
        w.ensemble.create(`/a/${i}/x`)
      }
      await zk.delete('/a', { recursive: true })
      expect(w.channel.kinds.filter(kind => kind === 'delete').length).to.equal(302)
      expect([...w.ensemble.tree.keys()]).to.deep.equal(['/'])
    })
    it('deletes nothing of a subtree whose root has another version, and never the root', async () => {
      for (const path of ['/a', '/a/b']) w.ensemble.create(path)
      await refused(zk.delete('/a', { recursive: true, version: 7 }), 'BAD_VERSION')
      await refused(zk.delete('/', { recursive: true }), 'BAD_ARGUMENTS')
      expect([...w.ensemble.tree.keys()]).to.deep.equal(['/', '/a', '/a/b'])
    })
  })

  describe('children, walk, ACLs and sync', () => {
    it('gives the names of the children, sorted', async () => {
      for (const path of ['/b', '/a', '/c', '/a/x']) w.ensemble.create(path)
      expect(await zk.getChildren('/')).to.deep.equal(['a', 'b', 'c'])
    })
    it('walks a subtree, parents first, without what vanishes meanwhile', async () => {
      for (const path of ['/a', '/a/c', '/a/b', '/a/b/x', '/a/d', '/z']) w.ensemble.create(path, path)
      const seen: Array<[string, string | undefined]> = []
      for await (const { path, value } of zk.walk('/a')) {
        seen.push([path, value])
        if (path === '/a/b') w.ensemble.delete('/a/d')
      }
      expect(seen).to.deep.equal(['/a', '/a/b', '/a/b/x', '/a/c'].map(path => [path, path]))
    })
    it('walk throws for a missing root', async () => {
      await refused(zk.walk('/nowhere').next(), 'NO_NODE')
    })
    it('reads and replaces ACLs', async () => {
      await zk.create('/a')
      const acl = [{ perms: Permission.READ, scheme: 'world', id: 'anyone' }]
      expect((await zk.setAcl('/a', acl, { version: 0 })).aversion).to.equal(1)
      expect((await zk.getAcl('/a')).acl).to.deep.equal(acl)
      await refused(zk.setAcl('/a', acl, { version: 0 }), 'BAD_VERSION')
      await refused(zk.setAcl('/a', []), 'INVALID_ACL')
      await refused(zk.setAcl('/a', [{ perms: 1 } as never]), 'INVALID_ACL')
    })
    it('sync resolves with the zxid of the replica', async () => {
      w.ensemble.create('/a')
      expect(await zk.sync()).to.equal(0x1_0000_0001n)
      expect(w.channel.kinds).to.deep.equal(['sync'])
    })
  })

  describe('multi', () => {
    it('results in one typed value per step', async () => {
      w.ensemble.create('/b', 'x')
      w.ensemble.create('/c')
      const [created, stat, gone, checked] = await zk.multi([
        op.create('/a', 'x'),
        op.set('/b', 'y', { version: 0 }),
        op.delete('/c'),
        op.check('/b', { version: 1 }),
      ])
      const path: string = created.path
      const version: number = stat.version
      expect([path, created.stat.dataLength, version, gone, checked]).to.deep.equal(['/a', 1, 1, undefined, undefined])
    })
    it('tells which step failed, and nothing took effect', async () => {
      const error = await refused(
        zk.multi([op.create('/a', 'x'), op.check('/nowhere'), op.create('/c', 'x')]),
        'NO_NODE',
        'not-applied',
      )
      expect([error.index, error.path]).to.deep.equal([1, '/nowhere'])
      expect(w.ensemble.tree.has('/a')).to.equal(false)
    })
    it('of no steps has no results', async () => {
      expect(await zk.multi([])).to.deep.equal([])
    })
    it('checks every step before anything is sent', async () => {
      await refused(zk.multi([op.create('/a', 'x'), op.create('no path', 'x')]), 'BAD_ARGUMENTS')
      await refused(zk.multi([op.create('/a', 'x'.repeat(600)), op.create('/b', 'x'.repeat(600))]), 'DATA_TOO_LARGE')
      await refused(zk.multi([op.create('/a', 7 as never)]), 'CODEC_ERROR')
      expect(w.channel.sent).to.deep.equal([])
    })
  })

  describe('what is wrong', () => {
    it('is refused before it is sent', async () => {
      const much = 'x'.repeat(1025)
      const rows: Array<[Promise<unknown>, string]> = [
        [zk.create('a'), 'BAD_ARGUMENTS'],
        [zk.create('/a/'), 'BAD_ARGUMENTS'],
        [zk.create('/a//', undefined, { sequential: true }), 'BAD_ARGUMENTS'],
        [zk.create('/a', much), 'DATA_TOO_LARGE'],
        [zk.create('/a', 7 as never), 'CODEC_ERROR'],
        [zk.create('/a', 'x', { acl: 'all' as never }), 'INVALID_ACL'],
        [zk.create('/a', 'x', { sequantial: true } as never), 'BAD_ARGUMENTS'],
        [zk.create('/a', 'x', { container: true, ephemeral: true }), 'BAD_ARGUMENTS'],
        [zk.create('/a', 'x', { container: true, sequential: true }), 'BAD_ARGUMENTS'],
        [zk.create('/a', 'x', { container: true, ttl: 5 }), 'BAD_ARGUMENTS'],
        [zk.create('/a', 'x', { ttl: 5, ephemeral: true }), 'BAD_ARGUMENTS'],
        [zk.create('/a', 'x', { ttl: 0 }), 'BAD_ARGUMENTS'],
        [zk.create('/a', 'x', { ttl: 2 ** 40 }), 'BAD_ARGUMENTS'],
        [zk.create('/a', 'x', { ttl: '5' as never }), 'BAD_ARGUMENTS'],
        [zk.multi([op.create('/a', 'x', { container: true, ttl: 5 })]), 'BAD_ARGUMENTS'],
        [zk.multiRead([op.get('/a'), op.set('/a', 'x') as never]), 'BAD_ARGUMENTS'],
        [zk.multiRead([op.getChildren('a')]), 'BAD_ARGUMENTS'],
        [zk.multiRead('/a' as never), 'BAD_ARGUMENTS'],
        [zk.getEphemerals(''), 'BAD_ARGUMENTS'],
        [zk.countDescendants('/a/'), 'BAD_ARGUMENTS'],
        [zk.get(''), 'BAD_ARGUMENTS'],
        [zk.get(undefined as never), 'BAD_ARGUMENTS'],
        [zk.get('/a', { timeout: 0 }), 'BAD_ARGUMENTS'],
        [zk.get('/a', { timeout: Number.POSITIVE_INFINITY }), 'BAD_ARGUMENTS'],
        [zk.get('/a', { signal: {} as never }), 'BAD_ARGUMENTS'],
        [zk.exists('/../a'), 'BAD_ARGUMENTS'],
        [zk.set('/a', much), 'DATA_TOO_LARGE'],
        [zk.set('/a', 'x', { version: 1.5 }), 'BAD_ARGUMENTS'],
        [zk.set('/a', 'x', null as never), 'BAD_ARGUMENTS'],
        [zk.delete('/'), 'BAD_ARGUMENTS'],
        [zk.getChildren('/a/./b'), 'BAD_ARGUMENTS'],
        [zk.getAcl('/\u0000'), 'BAD_ARGUMENTS'],
        [zk.sync('x'), 'BAD_ARGUMENTS'],
        [zk.walk('x').next(), 'BAD_ARGUMENTS'],
      ]
      for (const [call, code] of rows) await refused(call, code as never, 'not-applied')
      expect(() => zk.data$('x'))
        .to.throw()
        .with.property('code', 'BAD_ARGUMENTS')
      expect(() => zk.chroot('x'))
        .to.throw()
        .with.property('code', 'BAD_ARGUMENTS')
      expect(() => zk.at('x'))
        .to.throw()
        .with.property('code', 'BAD_ARGUMENTS')
      expect(w.channel.sent).to.deep.equal([])
    })
    it('is told by code, number and path when the ensemble refuses', async () => {
      const codes: ReplyCode[] = [
        'NO_NODE',
        'NO_AUTH',
        'BAD_VERSION',
        'NO_CHILDREN_FOR_EPHEMERALS',
        'NODE_EXISTS',
        'NOT_EMPTY',
        'INVALID_ACL',
        'SESSION_MOVED',
        'THROTTLED_OP',
        'QUOTA_EXCEEDED',
      ]
      for (const code of codes) {
        w.channel.script = () => errorResponse(code)
        const error = await refused(zk.get('/a'), code, 'not-applied')
        expect(error.path).to.equal('/a')
        expect(error.errno).to.be.a('number')
        await refused(zk.set('/a', 'x'), code)
        await refused(zk.multi([]), code)
      }
    })
    it('is PROTOCOL_ERROR when an answer does not fit its request', async () => {
      w.channel.script = () => ({ kind: 'done' })
      await refused(zk.get('/a'), 'PROTOCOL_ERROR')
      await refused(zk.create('/a'), 'PROTOCOL_ERROR')
    })
    it('is CODEC_ERROR with its cause when a stored value does not decode', async () => {
      w.ensemble.create('/a', '{')
      const error = await refused(zk.at('/a', json).get(), 'CODEC_ERROR')
      expect(error.path).to.equal('/a')
      expect(error.cause).to.be.instanceOf(SyntaxError)
    })
    it('is passed on with its outcome when the channel fails a request', async () => {
      w.channel.script = () => ({ kind: 'failed', code: 'OVERLOADED', outcome: 'not-applied' })
      await refused(zk.set('/a', 'x'), 'OVERLOADED', 'not-applied')
      w.channel.script = () => ({ kind: 'failed', code: 'CONNECTION_LOSS', outcome: 'unknown' })
      await refused(zk.set('/a', 'x'), 'CONNECTION_LOSS', 'unknown')
    })
  })

  describe('order and time', () => {
    it('C2: pipelined calls are sent and answered in order', async () => {
      const order: string[] = []
      w.channel.hold()
      const calls = [
        zk.create('/a', '0').then(() => order.push('create')),
        zk.set('/a', '1').then(() => order.push('set')),
        zk.get('/a').then(({ value }) => order.push(`get ${value}`)),
        zk.delete('/a').then(() => order.push('delete')),
        zk.exists('/a').then(stat => order.push(`exists ${stat}`)),
      ]
      w.channel.release()
      await Promise.all(calls)
      expect(order).to.deep.equal(['create', 'set', 'get 1', 'delete', 'exists undefined'])
    })
    it('an awaited answer is seen before a later event', async () => {
      w.ensemble.create('/a', '0')
      const order: string[] = []
      zk.events$('/a').subscribe(({ type }) => order.push(type))
      await zk.sync()
      const awaiting = (async () => {
        await zk.get('/a')
        order.push('get')
      })()
      w.ensemble.set('/a', '1')
      await awaiting
      await settled()
      expect(order).to.deep.equal(['get', 'dataChanged'])
    })
    it('L2: a call that is not answered rejects at its timeout, with an unknown outcome', async () => {
      w.channel.script = () => 'silence'
      const short = refused(zk.set('/a', 'x', { timeout: 50 }), 'CONNECTION_LOSS', 'unknown')
      const usual = refused(zk.set('/a', 'x'), 'CONNECTION_LOSS', 'unknown')
      const ended: string[] = []
      void short.then(() => ended.push('short'))
      void usual.then(() => ended.push('usual'))
      await w.clock.advance(49)
      expect(ended).to.deep.equal([])
      await w.clock.advance(1)
      expect(ended).to.deep.equal(['short'])
      await w.clock.advance(29_949)
      expect(ended).to.deep.equal(['short'])
      await w.clock.advance(1)
      expect(ended).to.deep.equal(['short', 'usual'])
      expect(w.clock.pending, 'one timer serves all calls').to.equal(0)
    })
    it('C2: a late answer is ignored and those after it go to their calls', async () => {
      w.ensemble.create('/a', '1')
      w.ensemble.create('/b', '2')
      w.channel.hold()
      const late = refused(zk.get('/a', { timeout: 10 }), 'CONNECTION_LOSS', 'unknown')
      const next = zk.get('/b', { timeout: 1000 })
      await w.clock.advance(10)
      await late
      w.channel.release()
      expect((await next).value).to.equal('2')
    })
    it('aborts at once, before and after sending, and leaves no listener', async () => {
      const controller = new AbortController()
      const { signal } = controller
      await zk.exists('/a', { signal })
      expect(getEventListeners(signal, 'abort')).to.deep.equal([])
      w.channel.hold()
      const sent = refused(zk.set('/a', 'x', { signal }), 'ABORTED', 'unknown')
      controller.abort(new Error('enough'))
      expect((await sent).cause).to.have.property('message', 'enough')
      expect(getEventListeners(signal, 'abort')).to.deep.equal([])
      await refused(zk.set('/a', 'x', { signal }), 'ABORTED', 'not-applied')
      w.channel.release()
      expect(w.channel.kinds).to.deep.equal(['exists', 'setData'])
    })
    it('R2: has at most so many calls on their way, and sends the others in order as answers come', async () => {
      const few = await world({ inFlightMax: 3 })
      const paths = Array.from({ length: 20 }, (_, i) => `/${i}`)
      few.channel.hold()
      const calls = paths.map(path => few.zk.create(path))
      await settled()
      expect(few.channel.sent.length).to.equal(3)
      few.channel.release()
      expect(await Promise.all(calls)).to.deep.equal(paths)
      expect(few.channel.sent.map(request => (request as { path: string }).path)).to.deep.equal(paths)
      await few.zk.close()
    })
    it('R2: refuses a call too many, and bytes too many, with OVERLOADED', async () => {
      const few = await world({ pendingCallsMax: 2, pendingBytesMax: 10 })
      few.channel.hold()
      const first = few.zk.exists('/a')
      const second = few.zk.exists('/a')
      await refused(few.zk.exists('/a'), 'OVERLOADED', 'not-applied')
      few.channel.release()
      await Promise.all([first, second])
      few.channel.hold()
      const heavy = few.zk.create('/a', '12345678')
      await refused(few.zk.create('/b', '123'), 'OVERLOADED', 'not-applied')
      few.channel.release()
      await heavy
      await few.zk.create('/b', '1234567890')
      await few.zk.close()
      expect(few.clock.pending).to.equal(0)
    })
  })

  describe('views', () => {
    it('a chroot is put on and taken off every path', async () => {
      await zk.create('/app')
      const app = zk.chroot('/app')
      expect(await app.create('/x-', 'y', { sequential: true })).to.equal('/x-0000000000')
      expect(await app.getChildren('/')).to.deep.equal(['x-0000000000'])
      const [created] = await app.multi([op.create('/z', 'y')])
      expect(created.path).to.equal('/z')
      expect((await refused(app.get('/no'), 'NO_NODE')).path).to.equal('/no')
      expect((await refused(app.multi([op.check('/no')]), 'NO_NODE')).path).to.equal('/no')
      w.channel.hold()
      const late = refused(app.get('/late', { timeout: 1 }), 'CONNECTION_LOSS')
      await w.clock.advance(1)
      expect((await late).path).to.equal('/late')
      w.channel.release()
      expect([...w.ensemble.tree.keys()]).to.deep.equal(['/', '/app', '/app/x-0000000000', '/app/z'])
      expect((await app.chroot('/z').get('/')).value).to.equal('y')
      await refused(app.delete('/'), 'BAD_ARGUMENTS')
      const paths: string[] = []
      for await (const { path } of app.walk('/')) paths.push(path)
      expect(paths).to.deep.equal(['/', '/x-0000000000', '/z'])
    })
    it('a client can be opened with a chroot', async () => {
      const other = await openClient(w.channel, { chroot: '/app', codec: text }, steady)
      w.ensemble.create('/app', 'x')
      expect((await other.get('/')).value).to.equal('x')
      await other.close()
      zk = (await world()).zk
    })
    it('a handle speaks of one znode with its own codec', async () => {
      const counter = zk.at<{ n: number }>('/n', json)
      await counter.create({ n: 1 })
      await counter.update(value => ({ n: (value?.n ?? 0) + 1 }))
      expect((await counter.get()).value).to.deep.equal({ n: 2 })
      expect((await zk.get('/n')).value).to.equal('{"n":2}')
      await counter.set({ n: 3 })
      expect((await counter.exists())?.version).to.equal(2)
      expect(await counter.getChildren()).to.deep.equal([])
      await counter.delete()
    })
    it('bytes of a raw client are copies in both directions', async () => {
      const mine = bytes('abc')
      const rawClient = zk.at('/a', raw)
      w.channel.hold()
      const created = rawClient.create(mine)
      mine.fill(0)
      w.channel.release()
      await created
      const { value } = await rawClient.get()
      value!.fill(0)
      expect((await zk.get('/a')).value).to.equal('abc')
    })
  })
})

describe('opening a client', () => {
  failOnUnhandledRejections()
  let clock: VirtualClock
  let channel: FakeChannel
  beforeEach(() => {
    clock = new VirtualClock()
    channel = new FakeChannel(new FakeEnsemble(), clock)
  })
  afterEach(() => expect(clock.pending).to.equal(0))

  it('tells all that is wrong with the options in one error', async () => {
    const wrong = { sessionTimeoutMs: 0, timeout: '1', chroot: 'x', codec: {}, colour: 'red', signal: 1 }
    const error = await refused(openClient(channel, wrong as never, steady), 'BAD_OPTIONS')
    for (const name of Object.keys(wrong)) expect(error.message).to.include(`${name}: `)
    await refused(openClient(channel, null as never, steady), 'BAD_OPTIONS')
    expect(channel.attaches).to.deep.equal([])
  })
  it('attaches with the wanted timeout and no session', async () => {
    const zk = await openClient(channel, {}, steady)
    expect(channel.attaches).to.deep.equal([
      { timeoutMs: 10_000, resume: undefined, lastZxidSeen: { epoch: 0, counter: 0 } },
    ])
    expect(zk.session).to.deep.equal({ id: 0x0100000000000001n, timeoutMs: 10_000 })
    await zk.close()
  })
  it('tries again while the channel is refused', async () => {
    channel.refusals.push('CONNECTION_LOSS', 'CONNECTION_LOSS')
    const opening = openClient(channel, {}, steady)
    await clock.advance(100)
    const zk = await opening
    expect(channel.attaches.length).to.equal(3)
    await zk.close()
  })
  it('gives up at its timeout, naming the last refusal', async () => {
    channel.refusals.push(...Array.from({ length: 100 }, () => 'SESSION_MOVED' as const))
    const failed = refused(openClient(channel, { timeout: 3000 }, steady), 'CONNECTION_LOSS')
    await clock.advance(3000)
    expect((await failed).cause).to.have.property('code', 'SESSION_MOVED')
  })
  it('gives up when aborted, also when nothing answers', async () => {
    channel.deaf = true
    const controller = new AbortController()
    const failed = refused(openClient(channel, { signal: controller.signal }, steady), 'ABORTED')
    controller.abort()
    await failed
    await refused(openClient(channel, { signal: controller.signal }, steady), 'ABORTED')
  })
  it('rejects when the peer closes meanwhile', async () => {
    channel.refusals.push('CLOSED')
    await refused(openClient(channel, {}, steady), 'CLOSED')
  })
})
