/**
 * Which containers and TTL znodes are out of use: the leader looks once per interval, at the few paths of `tree.mortal` only, a slice at a
 * time, and takes away so many a minute. What is judged here is judged again, against the state-to-be, when it is prepared.
 *
 * A container goes without children once it has had one, or unused for `containerNeverUsedMs`; a TTL znode without children when its data are
 * older than its TTL, by this peer's monotonic clock (tree/lifetime-ages.ts). One per leadership; the first look comes after one interval.
 * Before: pipeline/leader-requests.ts asks in every step. After: operations/reap.ts. ZooKeeper: ContainerManager.
 */
import { CONTAINER_MARK, isMark, ttlOf } from '../model/owner.js'
import type { ReapRequest } from '../model/request.js'
import type { ProtocolOptions } from './protocol-options.js'
import type { DataTree } from './tree/data-tree.js'
import type { LifetimeAges } from './tree/lifetime-ages.js'

export type ReaperOptions = Pick<
  ProtocolOptions,
  'containerCheckIntervalMs' | 'containerMaxPerMinute' | 'containerNeverUsedMs'
>

const MINUTE_MS = 60_000
/** Between two slices of one look. */
const PAUSE_MS = 100
/** Paths that one slice looks at. */
const SLICE = 1000

export class Reaper {
  readonly #tree: DataTree
  readonly #ages: LifetimeAges
  readonly #options: ReaperOptions
  readonly #pauseMs: number
  readonly #reapedPerSlice: number
  /** What this look has not seen yet: the set may change under it. */
  #ahead: Iterator<string> | undefined
  #lookedAt: number
  #nextAt: number

  constructor(tree: DataTree, ages: LifetimeAges, options: ReaperOptions, now: number) {
    this.#tree = tree
    this.#ages = ages
    this.#options = options
    const { containerMaxPerMinute, containerCheckIntervalMs } = options
    this.#pauseMs = Math.max(PAUSE_MS, Math.ceil(MINUTE_MS / containerMaxPerMinute))
    this.#reapedPerSlice = Math.max(1, Math.floor((this.#pauseMs * containerMaxPerMinute) / MINUTE_MS))
    this.#lookedAt = now
    this.#nextAt = now + containerCheckIntervalMs
  }

  /** Each once per look; the caller proposes them. */
  due(now: number): readonly ReapRequest[] {
    if (now < this.nextAt) return []
    if (this.#ahead === undefined) {
      this.#ahead = this.#tree.mortal.values()
      this.#lookedAt = now
    }
    const found: ReapRequest[] = []
    for (let seen = 0; seen < SLICE && found.length < this.#reapedPerSlice; seen++) {
      const next = this.#ahead.next()
      if (next.done) {
        this.#ahead = undefined
        this.#nextAt = Math.max(this.#lookedAt + this.#options.containerCheckIntervalMs, now + this.#pauseMs)
        return found
      }
      const mzxid = this.#outOfUse(next.value, now)
      if (mzxid !== undefined) found.push({ kind: 'reap', path: next.value, mzxid })
    }
    this.#nextAt = now + this.#pauseMs
    return found
  }

  get nextAt(): number {
    return this.#tree.mortal.size === 0 && this.#ahead === undefined ? Number.POSITIVE_INFINITY : this.#nextAt
  }

  #outOfUse(path: string, now: number): ReapRequest['mzxid'] | undefined {
    const znode = this.#tree.get(path)
    if (znode === undefined || !isMark(znode.owner) || this.#tree.childCount(path) > 0) return undefined
    if (znode.owner === CONTAINER_MARK && znode.cversion > 0) return znode.mzxid
    const limitMs = znode.owner === CONTAINER_MARK ? this.#options.containerNeverUsedMs : ttlOf(znode.owner)
    return limitMs > 0 && this.#ages.ageOf(path, znode, now) > limitMs ? znode.mzxid : undefined
  }
}
