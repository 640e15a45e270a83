/** What vivarium/testing promises those who test their own code with it, on both clocks. */
import { expect } from 'chai'
import { filter, firstValueFrom } from 'rxjs'
import type { Client } from '../../../lib/client/client.js'
import { text } from '../../../lib/client/codec.js'
import { type ErrorCode, hasCode } from '../../../lib/model/errors.js'
import type { EnsembleOptions } from '../../../lib/testing/ensemble-options.js'
import { type Ensemble, openEnsemble } from '../../../lib/testing/open-ensemble.js'

describe('openEnsemble', () => {
  const opened: Ensemble[] = []
  const open = async (size = 3, options: EnsembleOptions = {}): Promise<Ensemble> => {
    const ensemble = await openEnsemble(size, options)
    opened.push(ensemble)
    return ensemble
  }
  afterEach(async () => {
    for (const ensemble of opened.splice(0)) await ensemble.close()
  })

  const code = async (work: Promise<unknown> | (() => unknown)): Promise<ErrorCode | undefined> => {
    try {
      await (typeof work === 'function' ? work() : work)
    } catch (error) {
      return (error as { code: ErrorCode }).code
    }
    return undefined
  }

  for (const clock of ['virtual', 'real'] as const) {
    describe(`on a ${clock} clock`, () => {
      it('has clients that work, and survives the death of its leader', async () => {
        const ensemble = await open(3, { clock })
        const first = ensemble.leader()!
        expect([...ensemble.peers.keys()]).to.deep.equal([1, 2, 3])
        const [other, third] = [1, 2, 3].filter(id => id !== first) as [number, number]
        const doomed = await ensemble.client(first, { codec: text })
        const zk = await ensemble.client(other, { codec: text })
        await zk.create('/a', '1')
        await doomed.create('/mine', 'x', { ephemeral: true })
        const gone = firstValueFrom(zk.exists$('/mine').pipe(filter(({ exists }) => !exists)))
        ensemble.kill(first)
        expect(await code(doomed.get('/a'))).to.equal('CLOSED')
        await ensemble.until(() => ensemble.leader() !== undefined)
        expect(ensemble.leader()).to.be.oneOf([other, third])
        await zk.set('/a', '2')
        await ensemble.run(gone)
        const back = await ensemble.restart(first)
        await back.serving()
        const again = await ensemble.client(first, { codec: text })
        await again.sync()
        expect((await again.get('/a')).value).to.equal('2')
      })

      it('cuts the network, and joins it again', async () => {
        const ensemble = await open(3, { clock })
        const first = ensemble.leader()!
        const others = [1, 2, 3].filter(id => id !== first)
        const zk = await ensemble.client(first, { codec: text, sessionTimeoutMs: 40_000 })
        await zk.create('/a', '1')
        const states: string[] = []
        zk.data$('/a').subscribe(({ value, stale }) => states.push(`${value}${stale ? ' stale' : ''}`))
        ensemble.partition([[first], others])
        await ensemble.until(() => others.includes(ensemble.leader()!))
        const elsewhere = await ensemble.client(others[0], { codec: text })
        await elsewhere.set('/a', '2')
        await ensemble.until(() => states.at(-1) === '1 stale')
        ensemble.heal()
        await ensemble.until(() => states.at(-1) === '2')
        expect(states).to.deep.equal(['1', '1 stale', '2'])
      })

      it('makes a peer stand still', async () => {
        const ensemble = await open(3, { clock })
        const first = ensemble.leader()!
        const zk = await ensemble.client(
          [1, 2, 3].find(id => id !== first),
          // Longer than it takes to find out that a leader is silent.
          { codec: text, sessionTimeoutMs: 40_000 },
        )
        ensemble.pause(first)
        await ensemble.until(() => ensemble.leader() !== undefined)
        expect(ensemble.leader()).to.not.equal(first)
        await zk.create('/a', '1')
        ensemble.resume(first)
        await ensemble.until(() => ensemble.peers.get(first)!.view.get('/a') !== undefined)
      })

      it('waits in time of its own, and says so when that is too long', async () => {
        const ensemble = await open(1, { clock })
        const before = ensemble.clock.now()
        await ensemble.advance(20)
        expect(ensemble.clock.now() - before).to.be.at.least(20)
        expect(await code(ensemble.until(() => false, 20))).to.equal('OPERATION_TIMEOUT')
        expect(await code(ensemble.run(new Promise(() => undefined), 20))).to.equal('OPERATION_TIMEOUT')
        const rejection = new Error('of the test')
        expect(await ensemble.run(Promise.reject(rejection)).catch(error => error)).to.equal(rejection)
        const wrong = () => {
          throw rejection
        }
        expect(await ensemble.until(wrong).catch(error => error)).to.equal(rejection)
      })

      it('ends with nothing left, whatever goes on', async () => {
        const handles = () => process.getActiveResourcesInfo().filter(kind => kind !== 'Immediate').length
        await new Promise(resolve => setImmediate(resolve))
        const before = handles()
        const ensemble = await open(3, { clock })
        const zk = await ensemble.client(2)
        let completed = false
        zk.data$('/a').subscribe({
          complete: () => {
            completed = true
          },
        })
        ensemble.partition([[1], [2], [3]])
        const call = code(zk.create('/a'))
        const waiting = code(ensemble.until(() => false))
        await ensemble.close()
        expect(await call).to.equal('CLOSED')
        expect(await waiting).to.equal('CLOSED')
        expect(completed).to.equal(true)
        expect(handles()).to.equal(before)
        for (const late of [() => ensemble.kill(1), () => ensemble.advance(1), () => ensemble.client(1)])
          expect(await code(late)).to.equal('CLOSED')
      })
    })
  }

  describe('time', () => {
    it('stands still while nobody waits, and passes for calls by as much as they take', async () => {
      const ensemble = await open()
      const zk = await ensemble.client(1)
      const before = ensemble.clock.now()
      await new Promise(resolve => setTimeout(resolve, 20))
      expect(ensemble.clock.now()).to.equal(before)
      await zk.create('/a')
      expect(ensemble.clock.now() - before).to.be.within(0.1, 100)
    })

    it('is exact: what is due happens at its time, and what is not does not', async () => {
      const ensemble = await open()
      const seen: number[] = []
      const began = ensemble.clock.now()
      for (const ms of [50, 100, 101]) ensemble.clock.schedule(ms, () => seen.push(ms))
      await ensemble.advance(100)
      expect(seen).to.deep.equal([50, 100])
      expect(ensemble.clock.now()).to.equal(began + 100)
    })

    it('passes for several who wait at once', async () => {
      const ensemble = await open()
      const began = ensemble.clock.now()
      const order: string[] = []
      await Promise.all([
        ensemble.advance(200).then(() => order.push(`200 at ${ensemble.clock.now() - began}`)),
        ensemble.advance(100).then(() => order.push(`100 at ${ensemble.clock.now() - began}`)),
      ])
      expect(order).to.deep.equal(['100 at 100', '200 at 200'])
    })

    it('does not pass for ever for a call that nobody can answer', async () => {
      const ensemble = await open()
      const zk = await ensemble.client(1)
      ensemble.pause(1)
      const call = code(zk.get('/'))
      const turns = async () => {
        const before = ensemble.clock.now()
        for (let turn = 0; turn < 20; turn++) await new Promise(resolve => setImmediate(resolve))
        return ensemble.clock.now() > before
      }
      while (await turns());
      expect(ensemble.clock.now()).to.be.within(3_600_000, 3_700_000)
      ensemble.kill(1)
      expect(await call).to.equal('CLOSED')
    }).timeout(60_000)
  })

  it('R4: goes the same way for the same seed, and another way for another', async () => {
    const play = async (seed: number): Promise<string> => {
      const ensemble = await open(3, { seed })
      const zk: Client<string> = await ensemble.client(2, { codec: text })
      await zk.create('/a', '1')
      const first = ensemble.leader()!
      if (first !== 2) ensemble.kill(first)
      await ensemble.until(() => ensemble.leader() !== undefined)
      for (let n = 0; n < 10; n++) await zk.set('/a', String(n))
      if (first !== 2) await (await ensemble.restart(first)).serving()
      await ensemble.advance(5000)
      return `${ensemble.traceHash} at ${ensemble.clock.now()}`
    }
    const hash = await play(11)
    expect(await play(11)).to.equal(hash)
    expect(await play(12)).to.not.equal(hash)
  })

  it('has observers, and takes the options of a peer', async () => {
    const ensemble = await open(1, { observers: 1, peer: { tickMs: 500 }, networkMs: 5, diskMs: 20 })
    expect(ensemble.peers.get(2)!.status.role).to.equal('observing')
    const zk = await ensemble.client(2, { sessionTimeoutMs: 1 })
    expect(zk.session.timeoutMs).to.equal(1000)
  })

  it('closes a peer that leaves gracefully, and starts it again', async () => {
    const ensemble = await open()
    const first = ensemble.leader()!
    await ensemble.peers.get(first)!.close()
    expect(ensemble.peers.has(first)).to.equal(false)
    await ensemble.until(() => ensemble.leader() !== undefined)
    await (await ensemble.restart(first)).serving()
    expect(ensemble.peers.size).to.equal(3)
  })

  it('complains of what it is not to be asked', async () => {
    const error: unknown = await openEnsemble(0, {
      seed: 1.5,
      clock: 'lunar',
      networkMs: -1,
      peer: { id: 3 },
      sede: 2,
    } as never).catch(thrown => thrown)
    expect(hasCode(error, 'BAD_OPTIONS')).to.equal(true)
    expect((error as Error).message).to.match(/sede.*size.*seed.*clock.*networkMs.*peer\.id/)
    const ensemble = await open(3)
    const wrong = [
      () => ensemble.kill(9),
      () => ensemble.client(9),
      () => ensemble.restart(1),
      () => ensemble.partition([[1], [1]]),
      () => ensemble.partition([[4]]),
      () => ensemble.advance(-1),
      () => ensemble.until((() => 'yes') as never),
      () => ensemble.until('yes' as never),
    ]
    for (const call of wrong) expect(await code(call), String(call)).to.equal('BAD_ARGUMENTS')
    ensemble.kill(1)
    for (const call of [() => ensemble.kill(1), () => ensemble.pause(1), () => ensemble.client(1)])
      expect(await code(call), String(call)).to.equal('BAD_ARGUMENTS')
  })
})
