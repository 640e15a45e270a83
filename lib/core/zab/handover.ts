/**
 * When a leader can hand over, and when one does whose log is slow while a quorum of the others is fast: it finishes what is under way, leaves
 * what comes to the next leader, steps down, and stands aside (handover-pause.ts).
 *
 * Always holds: the latter happens only when the others are many times faster (never when all disks are slow) and have the leader's whole log; nothing
 * depends on it, for an election is safe whoever stands for it. Architecture §6: "let a leader whose syncs stay slow hand over".
 * Before: log-race.ts measures. After: leader.ts ends the role.
 */
import { sameZxid } from '../../model/zxid.js'
import type { HandoverPause } from './handover-pause.js'
import type { Leadership } from './leadership.js'
import { LogRace } from './log-race.js'

/** Less of an advantage is not worth an election. */
const MANY_TIMES = 4

export class Handover {
  readonly #leadership: Leadership
  readonly #pause: HandoverPause
  readonly #slowLeaderMs: number
  readonly #tickMs: number
  readonly #race: LogRace
  #considerAt = 0
  #under: { readonly reason: string; readonly giveUpAt: number } | undefined

  constructor(leadership: Leadership, pause: HandoverPause, options: { slowLeaderMs: number; tickMs: number }) {
    this.#leadership = leadership
    this.#pause = pause
    this.#slowLeaderMs = options.slowLeaderMs
    this.#tickMs = options.tickMs
    this.#race = new LogRace(leadership, options.tickMs)
  }

  /** True once every voter that is in the broadcast has everything: a leader that closes waits for it. */
  get everybodyHasAll(): boolean {
    const { history, learners } = this.#leadership
    if (!sameZxid(history.committed, history.last)) return false
    const voters = [...learners.values()].filter(each => each.votes && each.stage === 'active')
    return voters.every(each => sameZxid(each.acked, history.last))
  }

  /** The end of every step of an established leader. */
  tick(now: number): void {
    if (this.#slowLeaderMs === 0) return
    this.#race.tick(now)
    if (this.#under !== undefined && (this.#race.othersHaveAll || now >= this.#under.giveUpAt))
      this.#leadership.stepDown(this.#under.reason)
    if (this.#under !== undefined || now < this.#considerAt) return
    this.#considerAt = now + this.#tickMs / 2
    if (!this.#pause.lasts(now)) this.#consider(now)
  }

  #consider(now: number): void {
    const times = this.#race.times(now)
    if (times === undefined) return
    const { ownMs, othersMs } = times
    if (ownMs - othersMs < this.#slowLeaderMs || ownMs < MANY_TIMES * othersMs) return
    const { port, events } = this.#leadership
    const reason = `it hands over: its own log takes ${ownMs} ms, that of a quorum of the others ${othersMs} ms`
    port.report('warn', `this leader is slow, ${reason} (medians, slowLeaderMs is ${this.#slowLeaderMs})`)
    this.#pause.begin(now)
    this.#under = { reason, giveUpAt: now + this.#tickMs }
    events.handsOver()
  }
}
