import { expect } from 'chai'
import { majority } from '../../../../lib/core/quorum/majority.js'
import { Handover } from '../../../../lib/core/zab/handover.js'
import { HandoverPause } from '../../../../lib/core/zab/handover-pause.js'
import type { Leadership } from '../../../../lib/core/zab/leadership.js'
import { LearnerProgress } from '../../../../lib/core/zab/learner-progress.js'
import { ZERO, type Zxid, zxid } from '../../../../lib/model/zxid.js'
import { link, peer, proposal, ZabWorld } from './zab-world.js'

const TICK = 2000

/** Peer 1 leads epoch 1 and writes every 100 ms; each voter's disk takes as long as the test says. */
class Race {
  readonly zab = new ZabWorld()
  readonly pause = new HandoverPause(TICK)
  readonly delays: Map<number, number>
  readonly learners = new Map<number, LearnerProgress>()
  readonly handover: Handover
  now = 0
  #due: { at: number; voter: number; zxid: Zxid }[] = []

  /** @param delays of the peers 1, 2, 3 … in ms; Infinity for one that logs nothing. */
  constructor(delays: readonly number[], options: { slowLeaderMs?: number; pause?: HandoverPause } = {}) {
    this.delays = new Map(delays.map((ms, index) => [index + 1, ms]))
    const voters = [...this.delays.keys()].map(peer)
    const { port, events, epochs, history, marks } = this.zab
    const learners = new Map(voters.slice(1).map(id => [id, new LearnerProgress(id, link(id), 'participant', 1, 0)]))
    for (const [id, learner] of learners) {
      learner.stage = 'active'
      this.learners.set(id, learner)
    }
    const leadership: Leadership = {
      ...{ self: peer(1), quorum: majority(voters), port, events, epochs, history, marks, learners },
      ...{ firstStart: false, epoch: 1, established: true, stepDown: events.roleEnded, drop: () => {} },
    }
    const { slowLeaderMs = 200, pause = this.pause } = options
    this.handover = new Handover(leadership, pause, { slowLeaderMs, tickMs: TICK })
  }

  /** What was told meanwhile. */
  pass(ms: number, writeEveryMs = 100): string[] {
    const { history, told } = this.zab
    told.length = 0
    for (const end = this.now + ms; this.now < end; this.now += 10) {
      if (this.now % writeEveryMs === 0 && !told.includes('handsOver')) {
        const place = zxid(1, history.last.counter + 1)
        history.append(proposal(place, history.last))
        for (const [voter, delay] of this.delays) this.#due.push({ at: this.now + delay, voter, zxid: place })
      }
      const done = this.#due.filter(each => each.at <= this.now)
      this.#due = this.#due.filter(each => each.at > this.now)
      for (const { voter, zxid: logged } of done) {
        if (voter === 1) history.logged(logged)
        else this.learners.get(voter)!.acked = logged
      }
      this.handover.tick(this.now)
      if (told.some(each => each.startsWith('roleEnded'))) break
    }
    return [...told]
  }
}

const handsOver = [
  'handsOver',
  'roleEnded: it hands over: its own log takes 500 ms, that of a quorum of the others 20 ms',
]

describe('a leader whose log is slow', () => {
  it('hands over after five ticks of it, once the others have everything', () => {
    const race = new Race([500, 10, 20])
    expect(race.pass(9000)).to.deep.equal([])
    expect(race.pass(3000)).to.deep.equal(handsOver)
    expect(race.now).to.be.below(12_000)
    expect(race.learners.get(2)!.acked).to.deep.equal(race.zab.history.last)
  })

  it('hands over when its log stands still altogether', () => {
    const race = new Race([Number.POSITIVE_INFINITY, 10, 20])
    expect(race.pass(12_000)[0]).to.equal('handsOver')
  })

  it('does not when a quorum of the others is slow, too', () => {
    expect(new Race([500, 10, 400]).pass(30_000)).to.deep.equal([])
    expect(new Race([1000, 600, 600]).pass(30_000)).to.deep.equal([])
    expect(new Race([500, 10, 10, 400, 400]).pass(30_000)).to.deep.equal([])
    expect(new Race([500, 10, 20, 400, 10]).pass(30_000)[0]).to.equal('handsOver')
  })

  it('does not when no quorum is left without it', () => {
    expect(new Race([500]).pass(30_000)).to.deep.equal([])
    expect(new Race([500, 10]).pass(30_000)).to.deep.equal([])
    const two = new Race([500, 10, 10])
    two.learners.get(3)!.stage = 'synced'
    expect(two.pass(30_000)).to.deep.equal([])
  })

  it('Z31: does not in favour of a peer whose state differs', () => {
    const aside = new Race([500, 10, 10])
    aside.learners.get(3)!.setAside = true
    expect(aside.pass(30_000)).to.deep.equal([])
    const disputed = new Race([500, 10, 10])
    disputed.learners.get(3)!.differsAt = ZERO
    expect(disputed.pass(30_000)).to.deep.equal([])
  })

  it('does not for a short while of it, nor for few writes', () => {
    const race = new Race([500, 10, 10])
    race.delays.set(1, 10)
    expect(race.pass(20_000)).to.deep.equal([])
    race.delays.set(1, 2000)
    expect(race.pass(3000)).to.deep.equal([])
    race.delays.set(1, 10)
    expect(race.pass(20_000)).to.deep.equal([])
    expect(new Race([500, 10, 10]).pass(60_000, 1500)).to.deep.equal([])
  })

  it('does not for less than slowLeaderMs, and never when that is 0', () => {
    expect(new Race([500, 10, 10], { slowLeaderMs: 491 }).pass(30_000)).to.deep.equal([])
    expect(new Race([500, 10, 10], { slowLeaderMs: 490 }).pass(30_000)[0]).to.equal('handsOver')
    expect(new Race([500, 10, 10], { slowLeaderMs: 0 }).pass(30_000)).to.deep.equal([])
  })

  it('waits at most a tick for the others to have everything', () => {
    const race = new Race([500, 10, 10])
    race.pass(9900)
    race.delays.set(3, Number.POSITIVE_INFINITY)
    race.delays.set(2, Number.POSITIVE_INFINITY)
    expect(race.pass(5000)).to.have.length(2)
    expect(race.now).to.be.within(11_900, 12_200)
  })
})

describe('the pause between two handovers of a peer', () => {
  it('is doubled each time, from half a minute of ticks to 64 times that', () => {
    const pause = new HandoverPause(TICK)
    expect(pause.lasts(0)).to.equal(false)
    let now = 0
    for (const ticks of [30, 60, 120, 240, 480, 960, 1920, 1920]) {
      pause.begin(now)
      expect(pause.lasts(now + ticks * TICK - 1)).to.equal(true)
      now += ticks * TICK
      expect(pause.lasts(now)).to.equal(false)
    }
  })

  it('keeps a leader that is slow again in office', () => {
    const pause = new HandoverPause(TICK)
    pause.begin(0)
    expect(new Race([500, 10, 20], { pause }).pass(59_000)).to.deep.equal([])
    expect(new Race([500, 10, 20], { pause }).pass(62_000)[0]).to.equal('handsOver')
  })

  it('L1: does not keep it from standing when nobody else could lead', () => {
    const pause = new HandoverPause(TICK)
    pause.begin(0)
    expect(pause.standsAside(1000)).to.equal(true)
    pause.nobodyElseLeads()
    expect(pause.standsAside(1000)).to.equal(false)
    expect(pause.lasts(1000)).to.equal(true)
    // One attempt to join had failed; the next one has found a leader.
    pause.somebodyLed()
    expect(pause.standsAside(1000)).to.equal(true)
    pause.begin(100_000)
    expect(pause.standsAside(101_000)).to.equal(true)
  })
})
