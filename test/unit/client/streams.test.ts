import { expect } from 'chai'
import { defaultIfEmpty, firstValueFrom, map, take, toArray } from 'rxjs'
import { TestScheduler } from 'rxjs/testing'
import { openClient } from '../../../lib/client/client.js'
import { json } from '../../../lib/client/codec.js'
import { errorResponse } from '../../../lib/model/response.js'
import { contents } from '../../helpers/fake-channel.js'
import { settled } from '../../helpers/virtual-clock.js'
import { failOnUnhandledRejections, record, refused, steady, type World, world } from './world.js'

describe('state streams', () => {
  failOnUnhandledRejections()
  let w: World
  beforeEach(async () => {
    w = await world()
  })
  afterEach(async () => {
    w.channel.script = () => undefined
    w.channel.release()
    const closing = w.zk.close()
    await w.clock.advance(60_000)
    await closing
    expect(w.clock.pending, 'R3: timers left after close').to.equal(0)
  })

  describe('data$', () => {
    it('tells what is so now, then each change, a missing znode too', async () => {
      const data = record(w.zk.data$('/a').pipe(map(({ exists, value }) => [exists, value])))
      await settled()
      w.ensemble.create('/a', '1')
      await settled()
      w.ensemble.set('/a', '2')
      await settled()
      w.ensemble.delete('/a')
      await settled()
      expect(data.values).to.deep.equal([
        [false, undefined],
        [true, '1'],
        [true, '2'],
        [false, undefined],
      ])
    })
    it('tells stat, zxid and that it is not stale', async () => {
      w.ensemble.create('/a', '1')
      w.ensemble.create('/b')
      const { stat, zxid, stale } = await firstValueFrom(w.zk.data$('/a'))
      expect([stat?.mzxid, zxid, stale]).to.deep.equal([0x1_0000_0001n, 0x1_0000_0002n, false])
    })
    it('is not disturbed by children and equal states', async () => {
      w.ensemble.create('/a', '1')
      const data = record(w.zk.data$('/a'))
      await settled()
      w.ensemble.create('/a/b')
      await settled()
      expect(w.channel.kinds).to.deep.equal(['addWatch', 'getData'])
      w.channel.current!.push(receiver => receiver.event({ type: 'dataChanged', path: '/a', zxid: undefined }))
      await settled()
      expect(w.channel.kinds.length).to.equal(3)
      expect(data.values.length).to.equal(1)
    })
    it('W10: the first subscriber registers, the last one deregisters', async () => {
      w.ensemble.create('/a', '1')
      const first = record(w.zk.data$('/a'))
      const second = record(w.zk.data$('/a'))
      const other = record(w.zk.exists$('/a'))
      await settled()
      const third = record(w.zk.data$('/a'))
      expect(third.values.length, 'the current value at once').to.equal(1)
      expect(w.channel.kinds).to.deep.equal(['addWatch', 'getData', 'exists'])
      first.stop()
      second.stop()
      third.stop()
      expect([...w.channel.current!.watches.persistent]).to.deep.equal(['/a'])
      other.stop()
      expect(w.channel.kinds.slice(3)).to.deep.equal(['removeWatches'])
      expect([...w.channel.current!.watches.persistent]).to.deep.equal([])
      w.ensemble.set('/a', '2')
      await settled()
      expect(first.values.length + second.values.length).to.equal(2)
      const again = record(w.zk.data$('/a'))
      await settled()
      expect(again.values.map(({ value }) => value)).to.deep.equal(['2'])
    })
    it('an observable kept by the application can be subscribed again and again', async () => {
      w.ensemble.create('/a', '1')
      const data$ = w.zk.data$('/a')
      const first = record(data$)
      await settled()
      first.stop()
      w.ensemble.set('/a', '2')
      expect((await firstValueFrom(data$)).value).to.equal('2')
      expect((await firstValueFrom(data$)).value).to.equal('2')
    })
    it('is conflated: at most one read is under way, and the last value is told', async () => {
      w.ensemble.create('/a', '0')
      const data = record(w.zk.data$('/a'))
      await settled()
      w.channel.hold()
      for (let n = 1; n <= 100; n++) {
        w.ensemble.set('/a', String(n))
        if (n % 10 === 0) await settled()
      }
      expect(w.channel.kinds).to.deep.equal(['addWatch', 'getData', 'getData'])
      w.channel.release()
      await settled()
      expect(w.channel.kinds.length).to.equal(4)
      expect(data.values.map(({ value }) => value)).to.deep.equal(['0', '100'])
    })
    it('W10: loses no last update at any pace, and mzxid grows from value to value', async () => {
      for (let seed = 1; seed <= 30; seed++) {
        const some = await world()
        some.ensemble.create('/a', '0')
        const data = record(some.zk.data$('/a'))
        let random = seed
        const next = (n: number): number => {
          random = (random * 48_271) % 2_147_483_647
          return random % n
        }
        for (let step = 1; step <= 60; step++) {
          const choice = next(10)
          if (choice < 4) some.ensemble.set('/a', String(step))
          else if (choice === 4) some.channel.hold()
          else if (choice === 5) some.channel.release()
          else if (choice === 6) some.channel.cut()
          else if (choice === 7) some.channel.setServing(next(2) === 0)
          else if (choice === 8) await some.clock.advance(next(40))
          else {
            some.ensemble.delete('/a')
            if (next(2) === 0) await settled()
            some.ensemble.create('/a', String(step))
          }
          if (next(3) === 0) await settled()
        }
        some.channel.serving = true
        some.channel.setServing(true)
        some.channel.release()
        await some.clock.advance(10_000)
        const last = data.values.at(-1)!
        expect([last.value, last.stale], `seed ${seed}`).to.deep.equal([contents(some.ensemble, '/a').get('/a'), false])
        let highest = -1n
        for (const { stat, stale } of data.values) {
          if (stat === undefined) continue
          if (stat.mzxid === highest) continue
          expect(stat.mzxid > highest, `seed ${seed}: ${stat.mzxid} after ${highest}`).to.equal(true)
          highest = stat.mzxid
          expect(stale).to.be.a('boolean')
        }
        await some.zk.close()
        expect(some.clock.pending).to.equal(0)
      }
    })
    it('tells of a change that was missed while cut off, and is stale meanwhile', async () => {
      w.ensemble.create('/a', '1')
      const data = record(w.zk.data$('/a').pipe(map(({ value, stale }) => [value, stale])))
      await settled()
      w.channel.cut()
      await settled()
      w.ensemble.set('/a', '2')
      await w.clock.advance(2000)
      w.channel.cut()
      await w.clock.advance(2000)
      expect(data.values).to.deep.equal([
        ['1', false],
        ['1', true],
        ['2', false],
        ['2', true],
        ['2', false],
      ])
    })
    it('is stale while the replica serves without an ensemble, also in what is read then', async () => {
      w.ensemble.create('/a', '1')
      const data = record(w.zk.data$('/a').pipe(map(({ value, stale }) => [value, stale])))
      await settled()
      w.channel.setServing(false)
      await settled()
      w.ensemble.set('/a', '2')
      await settled()
      w.channel.setServing(true)
      await settled()
      expect(data.values).to.deep.equal([
        ['1', false],
        ['1', true],
        ['2', true],
        ['2', false],
      ])
    })
    it('can be subscribed while cut off', async () => {
      w.ensemble.create('/a', '1')
      w.channel.cut()
      await settled()
      const data = record(w.zk.data$('/a'))
      await settled()
      expect(data.values).to.deep.equal([])
      await w.clock.advance(2000)
      expect(data.values.map(({ value }) => value)).to.deep.equal(['1'])
      expect(w.channel.kinds).to.deep.equal(['setWatches', 'getData'])
    })
    it('never goes back to an older state', async () => {
      w.ensemble.create('/a', '1')
      w.ensemble.set('/a', '2')
      const data = record(w.zk.data$('/a'))
      await settled()
      const old = w.ensemble.tree.get('/a')!.stat
      w.channel.script = request =>
        request.kind === 'getData'
          ? { kind: 'data', data: null, stat: { ...old, mzxid: { epoch: 1, counter: 1 } } }
          : undefined
      w.channel.current!.push(receiver => receiver.event({ type: 'dataChanged', path: '/a', zxid: undefined }))
      await settled()
      expect(data.values.map(({ value }) => value)).to.deep.equal(['2'])
    })
    it('tries again when the read or the watch is refused for the moment', async () => {
      w.ensemble.create('/a', '1')
      let refusals = 4
      w.channel.script = request => {
        if (refusals === 0 || (request.kind !== 'getData' && request.kind !== 'addWatch')) return undefined
        refusals--
        return refusals % 2 === 0
          ? errorResponse('THROTTLED_OP')
          : { kind: 'failed', code: 'OVERLOADED', outcome: 'not-applied' }
      }
      const data = record(w.zk.data$('/a'))
      await w.clock.advance(5000)
      w.ensemble.set('/a', '2')
      await settled()
      expect(data.values.map(({ value }) => value)).to.deep.equal(['1', '2'])
    })
    it('R1: a watch that was to be tried again is left to the next attachment when this one is lost meanwhile', async () => {
      w.channel.script = request =>
        request.kind === 'addWatch' ? { kind: 'failed', code: 'OVERLOADED', outcome: 'not-applied' } : undefined
      const streams = Array.from({ length: 20 }, (_, number) => record(w.zk.subtree$(`/s${number}`)))
      await settled()
      w.channel.script = () => undefined
      w.channel.cut()
      await w.clock.advance(5000)
      w.ensemble.create('/s7', '1')
      await settled()
      expect([...(streams[7]?.values.at(-1)?.znodes.keys() ?? [])]).to.deep.equal(['/s7'])
    })
    it('W9: deregisters again when that is refused for the moment', async () => {
      let refusals = 2
      w.channel.script = request => {
        if (refusals === 0 || request.kind !== 'removeWatches') return undefined
        refusals--
        return refusals === 0
          ? errorResponse('THROTTLED_OP')
          : { kind: 'failed', code: 'OVERLOADED', outcome: 'not-applied' }
      }
      const data = record(w.zk.data$('/a'))
      await settled()
      data.stop()
      await settled()
      expect([...w.channel.current!.watches.persistent]).to.deep.equal(['/a'])
      await w.clock.advance(1000)
      expect([...w.channel.current!.watches.persistent]).to.deep.equal([])
      await w.clock.advance(5000)
      expect(w.channel.kinds.filter(kind => kind === 'removeWatches').length).to.equal(3)
    })
    it('W9, W10: a watch whose removal was refused stays when it is observed again', async () => {
      let refuse = true
      w.channel.script = request =>
        refuse && request.kind === 'removeWatches'
          ? { kind: 'failed', code: 'OVERLOADED', outcome: 'not-applied' }
          : undefined
      record(w.zk.data$('/a')).stop()
      await settled()
      const again = record(w.zk.data$('/a'))
      refuse = false
      await w.clock.advance(5000)
      w.ensemble.create('/a', '1')
      await settled()
      expect(again.values.map(({ value }) => value)).to.deep.equal([undefined, '1'])
      again.stop()
      await settled()
      expect([...w.channel.current!.watches.persistent]).to.deep.equal([])
    })
    it('ends with a typed error when the read or the watch is refused for good', async () => {
      w.channel.script = request => (request.kind === 'getData' ? errorResponse('NO_AUTH') : undefined)
      const unread = record(w.zk.data$('/a'))
      await settled()
      expect(unread.ends).to.deep.equal(['NO_AUTH'])
      expect(w.channel.kinds.at(-1)).to.equal('removeWatches')
      w.channel.script = request => (request.kind === 'addWatch' ? errorResponse('UNIMPLEMENTED') : undefined)
      const unwatched = record(w.zk.data$('/b'))
      await settled()
      expect(unwatched.ends).to.deep.equal(['UNIMPLEMENTED'])
      w.channel.script = request => (request.kind === 'getData' ? { kind: 'done' } : undefined)
      const confused = record(w.zk.data$('/c'))
      await settled()
      expect(confused.ends).to.deep.equal(['PROTOCOL_ERROR'])
    })
    it('a value that does not decode ends that subscriber only', async () => {
      w.ensemble.create('/a', '{}')
      const typed = record(w.zk.at('/a', json).data$)
      const plain = record(w.zk.data$('/a'))
      await settled()
      w.ensemble.set('/a', '{')
      await settled()
      expect(typed.values.map(({ value }) => value)).to.deep.equal([{}])
      expect(typed.ends).to.deep.equal(['CODEC_ERROR'])
      expect(plain.values.map(({ value }) => value)).to.deep.equal(['{}', '{'])
      expect(plain.ends).to.deep.equal([])
    })
    it('W10: a subscriber that throws affects no other', async () => {
      w.ensemble.create('/a', '1')
      const thrown: unknown[] = []
      const listeners = process.listeners('uncaughtException')
      process.removeAllListeners('uncaughtException')
      process.on('uncaughtException', error => thrown.push(error))
      try {
        w.zk.data$('/a').subscribe(() => {
          throw new Error('mine')
        })
        const data = record(w.zk.data$('/a'))
        await settled()
        w.ensemble.set('/a', '2')
        await settled()
        await new Promise(resolve => setTimeout(resolve, 1))
        await settled()
        expect(data.values.map(({ value }) => value)).to.deep.equal(['1', '2'])
        expect(thrown.map(error => (error as Error).message)).to.deep.equal(['mine', 'mine'])
      } finally {
        process.removeAllListeners('uncaughtException')
        for (const listener of listeners) process.on('uncaughtException', listener)
      }
    })
    it('W10: completes on close, and nothing comes after', async () => {
      w.ensemble.create('/a', '1')
      const streams = [
        record(w.zk.data$('/a')),
        record(w.zk.exists$('/a')),
        record(w.zk.children$('/a')),
        record(w.zk.subtree$('/a')),
        record(w.zk.events$('/a')),
      ]
      await settled()
      w.ensemble.set('/a', '2')
      const closing = w.zk.close()
      const seen = streams.map(({ values }) => values.length)
      await closing
      await settled()
      for (const { ends } of streams) expect(ends).to.deep.equal(['complete'])
      expect(streams.map(({ values }) => values.length)).to.deep.equal(seen)
      expect(record(w.zk.data$('/a')).ends).to.deep.equal(['CLOSED'])
      await refused(firstValueFrom(w.zk.events$('/a')), 'CLOSED')
    })
    it('can be composed: take(1) registers and deregisters', async () => {
      w.ensemble.create('/a', '1')
      const values = await firstValueFrom(w.zk.data$('/a').pipe(take(1), toArray()))
      expect(values.length).to.equal(1)
      expect(w.channel.kinds).to.deep.equal(['addWatch', 'getData', 'removeWatches'])
    })
  })

  describe('exists$ and children$', () => {
    it('exists$ tells creation, change and deletion', async () => {
      const exists = record(w.zk.exists$('/a').pipe(map(({ exists, stat }) => [exists, stat?.version])))
      await settled()
      w.ensemble.create('/a')
      await settled()
      w.ensemble.set('/a', 'x')
      await settled()
      w.ensemble.delete('/a')
      await settled()
      expect(exists.values).to.deep.equal([
        [false, undefined],
        [true, 0],
        [true, 1],
        [false, undefined],
      ])
    })
    it('children$ tells the sorted names, and is not disturbed by data', async () => {
      const children = record(w.zk.children$('/a').pipe(map(({ exists, children }) => [exists, ...children])))
      await settled()
      w.ensemble.create('/a')
      await settled()
      w.ensemble.create('/a/c')
      w.ensemble.create('/a/b')
      await settled()
      w.ensemble.set('/a', 'x')
      w.ensemble.set('/a/b', 'x')
      await settled()
      w.ensemble.delete('/a/c')
      await settled()
      expect(children.values).to.deep.equal([[false], [true], [true, 'b', 'c'], [true, 'b']])
    })
  })

  describe('subtree$', () => {
    const shown = map(({ znodes }: { znodes: ReadonlyMap<string, { value: string | undefined }> }) =>
      [...znodes].map(([path, { value }]) => `${path}=${value}`).sort(),
    )
    it('W10: says nothing twice when it reads the whole again and finds what it knew', async () => {
      for (const path of ['/a', '/a/b']) w.ensemble.create(path, '1')
      let refusals = 2
      w.channel.script = request =>
        request.kind === 'addWatch' && refusals-- > 0 ? errorResponse('THROTTLED_OP') : undefined
      const said = map(
        ({ stale, znodes }: { stale: boolean; znodes: ReadonlyMap<string, { value: string | undefined }> }) =>
          [stale ? 'stale' : 'current', ...[...znodes.values()].map(({ value }) => value)].join(' '),
      )
      const tree = record(w.zk.subtree$('/a').pipe(said))
      await settled()
      await w.clock.advance(5000)
      expect(refusals).to.equal(-1)
      w.ensemble.set('/a/b', '2')
      await settled()
      expect(tree.values).to.deep.equal(['current 1 1', 'stale 1 1', 'current 1 1', 'current 1 2'])
    })
    it('tells the whole subtree, then the whole again after each change', async () => {
      for (const path of ['/a', '/a/b', '/a/b/c', '/ab']) w.ensemble.create(path, '1')
      const tree = record(w.zk.subtree$('/a').pipe(shown))
      await settled()
      w.ensemble.set('/a/b', '2')
      await settled()
      w.ensemble.create('/a/d', '1')
      await settled()
      w.ensemble.delete('/a/b/c')
      w.ensemble.delete('/a/b')
      await settled()
      w.ensemble.set('/ab', '2')
      await settled()
      expect(tree.values).to.deep.equal([
        ['/a/b/c=1', '/a/b=1', '/a=1'],
        ['/a/b/c=1', '/a/b=2', '/a=1'],
        ['/a/b/c=1', '/a/b=2', '/a/d=1', '/a=1'],
        ['/a/b=2', '/a/d=1', '/a=1'],
        ['/a/d=1', '/a=1'],
      ])
    })
    it('tells an empty map for a missing root, and its creation', async () => {
      const tree = record(w.zk.subtree$('/a').pipe(shown))
      await settled()
      w.ensemble.create('/a', '1')
      await settled()
      w.ensemble.delete('/a')
      await settled()
      expect(tree.values).to.deep.equal([[], ['/a=1'], []])
    })
    it('has the paths of its chroot, and is shared by clients of every codec', async () => {
      for (const path of ['/app', '/app/a']) w.ensemble.create(path, '1')
      const whole = record(w.zk.subtree$('/app').pipe(shown))
      const app = record(w.zk.chroot('/app').subtree$('/').pipe(shown))
      await settled()
      expect(app.values).to.deep.equal([['/=1', '/a=1']])
      expect(whole.values).to.deep.equal([['/app/a=1', '/app=1']])
      expect(w.channel.kinds.filter(kind => kind === 'addWatch').length).to.equal(1)
    })
    it('bounds the reads under way', async () => {
      w.ensemble.create('/a')
      for (let n = 0; n < 500; n++) w.ensemble.create(`/a/${n}`)
      const tree = record(w.zk.subtree$('/a'))
      await new Promise<void>(resolve => process.nextTick(resolve))
      w.channel.hold()
      await settled()
      expect(w.channel.current!.held!.length).to.be.at.most(32)
      w.channel.release()
      await settled()
      await settled()
      expect(tree.values.at(-1)?.znodes.size).to.equal(501)
    })
    it('W10: ends with the final state at any pace, over cuts and pauses', async () => {
      for (let seed = 1; seed <= 40; seed++) {
        const some = await world()
        const tree = record(some.zk.subtree$('/r'))
        let random = seed
        const next = (n: number): number => {
          random = (random * 48_271) % 2_147_483_647
          return random % n
        }
        const paths = ['/r', '/r/a', '/r/b', '/r/a/x', '/r/a/y', '/r/b/z']
        for (let step = 1; step <= 80; step++) {
          const path = paths[next(paths.length)]!
          const choice = next(10)
          try {
            if (choice < 3) some.ensemble.create(path, String(step))
            else if (choice < 5) some.ensemble.set(path, String(step))
            else if (choice < 7) some.ensemble.delete(path)
            else if (choice === 7) some.channel.cut()
            else if (choice === 8) next(2) === 0 ? some.channel.hold() : some.channel.release()
            else await some.clock.advance(next(40))
          } catch {
            // That change was not possible just now.
          }
          if (next(3) === 0) await new Promise<void>(resolve => process.nextTick(resolve))
          if (next(5) === 0) await settled()
        }
        some.channel.release()
        await some.clock.advance(10_000)
        const { znodes, stale } = tree.values.at(-1)!
        const told = new Map([...znodes].map(([path, { value }]) => [path, value]))
        const real = contents(some.ensemble, '/r')
        expect([...told].sort(), `seed ${seed}`).to.deep.equal([...real].sort())
        expect(stale).to.equal(false)
        await some.zk.close()
        expect(some.clock.pending).to.equal(0)
      }
    })
    it('errors with CODEC_ERROR, NO_AUTH and at expiry, and reads again after a passing refusal', async () => {
      w.ensemble.create('/a', '{}')
      let throttled = true
      w.channel.script = request => {
        if (request.kind !== 'getChildren' || !throttled) return undefined
        throttled = false
        return errorResponse('THROTTLED_OP')
      }
      const plain = record(w.zk.subtree$('/a').pipe(shown))
      await w.clock.advance(1000)
      expect(plain.values).to.deep.equal([['/a={}']])
      w.ensemble.set('/a', '{')
      await settled()
      const typed = record(w.zk.at('/a', json).data$)
      await settled()
      expect(typed.ends).to.deep.equal(['CODEC_ERROR'])
      w.channel.script = request => (request.kind === 'getData' ? errorResponse('NO_AUTH') : undefined)
      const forbidden = record(w.zk.subtree$('/b'))
      await settled()
      expect(forbidden.ends).to.deep.equal(['NO_AUTH'])
      w.ensemble.expire(w.channel.current!.session!)
      await settled()
      expect(plain.ends).to.deep.equal(['SESSION_EXPIRED'])
    })
    it('decodes for each subscriber on its own, and once while a znode does not change', async () => {
      w.ensemble.create('/a', '{}')
      w.ensemble.create('/a/b', '{}')
      let decodes = 0
      const counting = {
        ...json,
        decode: (bytes: Uint8Array) => {
          decodes++
          return json.decode(bytes)
        },
      }
      const other = await openClient(w.channel, { codec: counting }, steady)
      const tree$ = other.subtree$('/a')
      const first = record(tree$)
      const second = record(tree$)
      await settled()
      expect(decodes).to.equal(4)
      expect(first.values[0]!.znodes.get('/a')).not.to.equal(second.values[0]!.znodes.get('/a'))
      w.ensemble.set('/a/b', '1')
      await settled()
      expect(decodes).to.equal(6)
      await other.close()
    })
    it('is stale while cut off', async () => {
      w.ensemble.create('/a', '1')
      const tree = record(w.zk.subtree$('/a').pipe(map(({ stale, znodes }) => [stale, znodes.size])))
      await settled()
      w.channel.cut()
      await settled()
      w.ensemble.create('/a/b')
      await w.clock.advance(1000)
      expect(tree.values).to.deep.equal([
        [false, 1],
        [true, 1],
        [false, 2],
      ])
    })
  })

  describe('events$', () => {
    it('tells each event of a znode with its zxid', async () => {
      const events = record(w.zk.events$('/a'))
      w.ensemble.create('/a', '1')
      w.ensemble.create('/a/b')
      w.ensemble.set('/a/b', '1')
      w.ensemble.set('/a', '2')
      w.ensemble.delete('/a/b')
      w.ensemble.delete('/a')
      await settled()
      expect(events.values).to.deep.equal([
        { type: 'created', path: '/a', zxid: 0x1_0000_0001n },
        { type: 'childrenChanged', path: '/a', zxid: 0x1_0000_0002n },
        { type: 'dataChanged', path: '/a', zxid: 0x1_0000_0004n },
        { type: 'childrenChanged', path: '/a', zxid: 0x1_0000_0005n },
        { type: 'deleted', path: '/a', zxid: 0x1_0000_0006n },
      ])
    })
    it('recursive: tells those of the whole subtree, by the paths of the chroot, without childrenChanged', async () => {
      w.ensemble.create('/app')
      const events = record(
        w.zk
          .chroot('/app')
          .events$('/', { recursive: true })
          .pipe(map(({ type, path }) => `${type} ${path}`)),
      )
      w.ensemble.create('/app/b')
      w.ensemble.set('/app/b', '1')
      w.ensemble.set('/app', '2')
      w.ensemble.delete('/app/b')
      w.ensemble.create('/apple')
      await settled()
      expect(events.values).to.deep.equal(['created /b', 'dataChanged /b', 'dataChanged /', 'deleted /b'])
    })
    it('keeps the two modes on one path apart', async () => {
      w.ensemble.create('/a')
      const own = record(w.zk.events$('/a').pipe(map(({ type }) => type)))
      const below = record(w.zk.events$('/a', { recursive: true }).pipe(map(({ type, path }) => `${type} ${path}`)))
      w.ensemble.create('/a/b')
      w.ensemble.set('/a', '1')
      await settled()
      own.stop()
      w.ensemble.set('/a', '2')
      await settled()
      expect(own.values).to.deep.equal(['childrenChanged', 'dataChanged'])
      expect(below.values).to.deep.equal(['created /a/b', 'dataChanged /a', 'dataChanged /a'])
    })
    it('says gap when events may have been lost', async () => {
      const events = record(w.zk.events$('/a').pipe(map(({ type }) => type)))
      await settled()
      w.channel.setServing(false)
      w.channel.setServing(true)
      w.ensemble.create('/a')
      await settled()
      w.channel.cut()
      await settled()
      w.ensemble.set('/a', '1')
      await w.clock.advance(1000)
      w.ensemble.delete('/a')
      await settled()
      expect(events.values).to.deep.equal(['created', 'gap', 'deleted'])
    })
  })

  it('events$ says gap when its watch was refused for a while, and not when it only began while cut off', async () => {
    let refusals = 1
    w.channel.script = request =>
      request.kind === 'addWatch' && refusals-- > 0 ? errorResponse('THROTTLED_OP') : undefined
    const events = record(w.zk.events$('/a').pipe(map(({ type }) => type)))
    await settled()
    w.ensemble.create('/a')
    await w.clock.advance(100)
    w.ensemble.set('/a', '1')
    await settled()
    expect(events.values).to.deep.equal(['gap', 'dataChanged'])
    w.channel.cut()
    await settled()
    const later = record(w.zk.events$('/a').pipe(map(({ type }) => type)))
    await w.clock.advance(100)
    expect(later.values).to.deep.equal([])
  })

  it('under marbles: a shared stream replays the latest state to whoever comes later', async () => {
    w.ensemble.create('/a', '1')
    const source = w.zk.data$('/a').pipe(map(({ value }) => value))
    const keep = record(source)
    await settled()
    new TestScheduler((actual, expected) => {
      expect(actual).to.deep.equal(expected)
    }).run(({ cold, expectObservable, flush }) => {
      // What is known is told in the frame of the subscription, and unsubscribing one leaves the others their stream.
      expectObservable(source, '--^---!').toBe('--a', { a: '1' })
      expectObservable(source, '----^-!').toBe('----a', { a: '1' })
      expectObservable(cold('--x|').pipe(defaultIfEmpty('y'))).toBe('--x|')
      flush()
    })
    w.ensemble.set('/a', '2')
    await settled()
    expect(keep.values).to.deep.equal(['1', '2'])
  })
})
