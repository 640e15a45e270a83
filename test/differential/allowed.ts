/**
 * Where the reference (3.8.0) is known to do otherwise than it should: each row a bug that was mended later, or a change of a later version that we
 * follow. Nothing that is merely inconvenient belongs here.
 */
import type { Heard } from './side.js'

export interface AllowedDifference {
  /** A ticket, or the version since which it is otherwise. */
  readonly reason: string
  allows(reference: Heard, ours: Heard): boolean
}

const NO_ZXID = 0xffffffff

export const allowed: readonly AllowedDifference[] = [
  {
    reason: '3.9.0: an event tells the zxid of its transaction; before, −1',
    allows: (reference, ours) =>
      reference.kind === 'event' &&
      ours.kind === 'event' &&
      reference.type === ours.type &&
      reference.path === ours.path &&
      reference.zxid.epoch === NO_ZXID &&
      reference.zxid.counter === NO_ZXID,
  },
  {
    reason: "ZOOKEEPER-4466: before 3.9, checkWatches also finds other connections' watches",
    allows: (reference, ours) =>
      reference.kind === 'answer' &&
      ours.kind === 'answer' &&
      reference.asked.op === 'checkWatches' &&
      reference.err === 0 &&
      ours.err === -121,
  },
  {
    reason: 'under its second name, the empty one, the root counts itself among its descendants',
    allows: (reference, ours) =>
      reference.kind === 'answer' &&
      ours.kind === 'answer' &&
      reference.asked.op === 'getAllChildrenNumber' &&
      reference.asked.path === '' &&
      reference.body === (ours.body as number) + 1,
  },
  {
    reason: 'ZOOKEEPER-2590: exists needs READ on the znode, since 3.8.4 and 3.9.2',
    allows: (reference, ours) =>
      reference.kind === 'answer' &&
      ours.kind === 'answer' &&
      reference.asked.op === 'exists' &&
      reference.err === 0 &&
      ours.err === -102,
  },
]
