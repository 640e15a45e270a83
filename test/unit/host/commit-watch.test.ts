import { expect } from 'chai'
import { CommitWatch, MEASURE_EVERY_MS } from '../../../lib/host/commit-watch.js'
import { silentLogger } from '../../../lib/host/logger.js'
import { systemPoolProbe } from '../../../lib/host/pool-probe.js'
import { ManualClock } from './manual-clock.js'

describe('commit watch', () => {
  let clock: ManualClock
  let busyMs: number
  let asked: (() => void)[]
  let warnings: string[]
  let watch: CommitWatch
  beforeEach(() => {
    clock = new ManualClock()
    clock.advance(1000)
    busyMs = 0
    asked = []
    warnings = []
    watch = new CommitWatch({
      clock,
      probe: { ask: done => asked.push(done), loopBusyMs: () => busyMs, threads: 4 },
      logger: { ...silentLogger, warn: message => void warnings.push(message) },
    })
  })
  /** A commit that waits, then syncs, long enough after the one before. */
  const commit = (waitMs: number, syncMs: number, loopMs = 0) => {
    const durable = watch.begin()
    clock.advance(waitMs)
    asked.shift()!()
    clock.advance(syncMs)
    busyMs += loopMs
    durable()
    clock.advance(MEASURE_EVERY_MS)
  }

  it('tells the wait in the pool apart from the sync', () => {
    commit(30, 5)
    expect(watch.times).to.deep.equal({ poolWaitMs: 30, syncMs: 5 })
    commit(1, 80)
    expect(watch.times).to.deep.equal({ poolWaitMs: 30, syncMs: 80 })
    expect([watch.trouble, warnings]).to.deep.equal([undefined, []])
  })

  it('does so also when the answer of the pool is heard behind the end of the write', () => {
    const durable = watch.begin()
    clock.advance(300)
    durable()
    expect(watch.times).to.deep.equal({ poolWaitMs: 0, syncMs: 0 })
    clock.advance(1)
    asked.shift()!()
    expect(watch.times).to.deep.equal({ poolWaitMs: 300, syncMs: 0 })
  })

  it('names the pool and its cure when commits wait there', () => {
    for (let count = 0; count < 3; count++) commit(900, 20)
    expect(warnings.length).to.equal(1)
    expect(warnings[0]).to.match(/up to 920 ms.*4 threads of libuv's pool.*UV_THREADPOOL_SIZE/)
    expect(watch.trouble).to.equal(warnings[0])
  })

  it('names the disk when it is slow, and the event loop when that is blocked', () => {
    for (let count = 0; count < 3; count++) commit(20, 900)
    expect(watch.trouble).to.match(/the disk takes that long/)
    clock.advance(20_000)
    for (let count = 0; count < 3; count++) commit(900, 20, 800)
    expect(watch.trouble).to.match(/the event loop is busy/)
  })

  it('says nothing of a single slow commit, forgets in ten seconds, and warns once a minute at most', () => {
    commit(900, 0)
    commit(900, 0)
    expect(watch.trouble).to.equal(undefined)
    commit(900, 0)
    expect(watch.trouble).to.be.a('string')
    clock.advance(10_000)
    expect([watch.trouble, watch.times]).to.deep.equal([undefined, { poolWaitMs: 0, syncMs: 0 }])
    for (let count = 0; count < 40; count++) commit(900, 0)
    expect(warnings.length).to.equal(1)
    for (let count = 0; count < 20; count++) commit(900, 0)
    expect(warnings.length).to.equal(2)
  })

  it('measures one write at a time, ten in a second at most', () => {
    const first = watch.begin()
    clock.advance(500)
    watch.begin()()
    expect(asked.length).to.equal(1)
    asked.shift()!()
    first()
    watch.begin()
    expect(asked.length).to.equal(1)
    watch.begin()
    expect(asked.length).to.equal(1)
  })

  it('R2: keeps no more than ten seconds of measurements', () => {
    for (let count = 0; count < 500; count++) commit(0, 1)
    expect(watch.times.syncMs).to.equal(1)
  })

  it('asks the real pool', async () => {
    const probe = systemPoolProbe()
    await new Promise<void>(resolve => probe.ask(resolve))
    expect(probe.loopBusyMs()).to.be.at.least(0)
    const { UV_THREADPOOL_SIZE } = process.env
    expect(probe.threads).to.equal(Number(UV_THREADPOOL_SIZE ?? 4))
  })
})
