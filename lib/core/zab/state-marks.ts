/**
 * What this peer knows of its own state: the digest after every 128th zxid and after the first of an epoch (marks), and whether the ensemble
 * has found that state to differ from everybody else's. Digests are opaque here.
 *
 * Always holds: marks ascend by zxid, at most MARKS_MAX of them; a snapshot that takes the state's place takes its marks and its blemish too.
 * Before: state-machine.ts, which applies. After: learner.ts reports the newest mark with its pongs, divergence.ts compares.
 */
import type { StateDigest, StateMark } from '../../model/digest.js'
import { sameZxid, type Zxid } from '../../model/zxid.js'

/** A learner may be this many marks behind and is still compared. */
const MARKS_MAX = 256

export class StateMarks {
  readonly #every: number
  #marks: StateMark[] = []
  #diverged = false

  /** @param every a mark is made at each multiple of this of an epoch's counter. */
  constructor(every: number) {
    this.#every = every
  }

  /** The txn `zxid` has been applied; `digest` is asked only when this is the place for a mark. */
  applied(zxid: Zxid, digest: () => StateDigest): void {
    if (zxid.counter !== 1 && zxid.counter % this.#every !== 0) return
    this.#marks.push({ zxid, digest: digest() })
    if (this.#marks.length > MARKS_MAX) this.#marks = this.#marks.slice(MARKS_MAX / 2)
  }

  get newest(): StateMark | undefined {
    return this.#marks.at(-1)
  }

  /** In ascending order. */
  get all(): readonly StateMark[] {
    return this.#marks
  }

  at(zxid: Zxid): StateDigest | undefined {
    for (let index = this.#marks.length - 1; index >= 0; index--)
      if (sameZxid(this.#marks[index]!.zxid, zxid)) return this.#marks[index]!.digest
    return undefined
  }

  /** This state is not the ensemble's: it serves nobody until a snapshot has taken its place. The log is sound, and goes on to count. */
  get diverged(): boolean {
    return this.#diverged
  }

  setAside(): void {
    this.#diverged = true
  }

  /** A snapshot is the state now. */
  replaced(): void {
    this.#marks = []
    this.#diverged = false
  }
}
