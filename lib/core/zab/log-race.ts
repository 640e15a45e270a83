/**
 * Is the leader's own log the slow one? Now and then a proposal is watched: when has this peer logged it, and when a quorum of the others?
 *
 * Always holds: only what comes in as inputs is measured, at their times; one proposal in SAMPLE_EVERY, so at most WINDOW / SAMPLE_EVERY of them;
 * what is not logged yet counts with its age, so a log that stands still is as slow as it is. Slow disks everywhere are a tie.
 * Before: leader.ts, at the end of every step. After: handover.ts.
 */
import type { PeerId } from '../../model/ids.js'
import { isAtMost, sameZxid, ZERO, type Zxid } from '../../model/zxid.js'
import { committedBy } from '../quorum/committed-by.js'
import type { Leadership } from './leadership.js'

/** Medians in milliseconds, from the proposal to its being durable: here, and on a quorum without this peer. */
export interface LogTimes {
  readonly ownMs: number
  readonly othersMs: number
}

interface Sample {
  readonly zxid: Zxid
  readonly at: number
  ownMs: number | undefined
  othersMs: number | undefined
}

/** In ticks: with the default of 2 s a watched proposal every half second, judged by those of 10 s. */
const WINDOW = 5
const SAMPLE_EVERY = 0.25
/** So that one bad moment in a window with few writes says nothing. */
const SAMPLES_MIN = 10

export class LogRace {
  readonly #leadership: Leadership
  readonly #windowMs: number
  readonly #everyMs: number
  #samples: Sample[] = []
  /** Those that are not measured yet. */
  #waiting: Sample[] = []
  #seen: Zxid = ZERO
  #beganAt: number | undefined

  constructor(leadership: Leadership, tickMs: number) {
    this.#leadership = leadership
    this.#windowMs = WINDOW * tickMs
    this.#everyMs = SAMPLE_EVERY * tickMs
  }

  /** The end of a step. */
  tick(now: number): void {
    if (this.#waiting.length > 0) this.#measure(now)
    const { last } = this.#leadership.history
    if (sameZxid(last, this.#seen)) return
    this.#seen = last
    const newest = this.#samples.at(-1)
    if (last.epoch !== this.#leadership.epoch || (newest !== undefined && now - newest.at < this.#everyMs)) return
    const sample = { zxid: last, at: now, ownMs: undefined, othersMs: undefined }
    this.#beganAt ??= now
    this.#samples = [...this.#recent(now), sample]
    this.#waiting = this.#samples.filter(each => !isMeasured(each))
  }

  /** Undefined while too little is known. */
  times(now: number): LogTimes | undefined {
    const recent = this.#recent(now)
    if (this.#beganAt === undefined || now - this.#beganAt < this.#windowMs || recent.length < SAMPLES_MIN)
      return undefined
    return {
      ownMs: median(recent.map(each => each.ownMs ?? now - each.at)),
      othersMs: median(recent.map(each => each.othersMs ?? now - each.at)),
    }
  }

  /** True when a quorum without this peer has the whole log: one of them can go on from here. */
  get othersHaveAll(): boolean {
    const others = this.#others()
    return others !== undefined && isAtMost(this.#leadership.history.last, others)
  }

  #measure(now: number): void {
    const { durable } = this.#leadership.history
    const others = this.#waiting.some(each => each.othersMs === undefined) ? this.#others() : undefined
    for (const sample of this.#waiting) {
      if (isAtMost(sample.zxid, durable)) sample.ownMs ??= now - sample.at
      if (others !== undefined && isAtMost(sample.zxid, others)) sample.othersMs ??= now - sample.at
    }
    if (this.#waiting.some(isMeasured)) this.#waiting = this.#waiting.filter(each => !isMeasured(each))
  }

  #recent(now: number): Sample[] {
    return this.#samples.filter(each => now - each.at <= this.#windowMs)
  }

  /** How far the log is durable on a quorum of those that could lead. */
  #others(): Zxid | undefined {
    const { learners, quorum } = this.#leadership
    const acked = new Map<PeerId, Zxid>()
    for (const learner of learners.values()) {
      const whole = !learner.setAside && learner.differsAt === undefined
      if (learner.votes && learner.stage === 'active' && whole) acked.set(learner.peer, learner.acked)
    }
    return committedBy(quorum, acked)
  }
}

function isMeasured({ ownMs, othersMs }: Sample): boolean {
  return ownMs !== undefined && othersMs !== undefined
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >>> 1]!
}
