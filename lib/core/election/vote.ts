/**
 * A vote: this peer should lead, for its history ends here. The order of votes is total and used everywhere (E1): the later epoch,
 * then the longer log, then the larger id. ZooKeeper: totalOrderPredicate.
 */
import type { PeerId } from '../../model/ids.js'
import { compareZxid, sameZxid, type Zxid } from '../../model/zxid.js'

export interface Vote {
  readonly leader: PeerId
  readonly zxid: Zxid
  /** The candidate's current epoch. */
  readonly epoch: number
}

export function isBetter(a: Vote, b: Vote): boolean {
  if (a.epoch !== b.epoch) return a.epoch > b.epoch
  const order = compareZxid(a.zxid, b.zxid)
  return order !== 0 ? order > 0 : a.leader > b.leader
}

export function sameVote(a: Vote, b: Vote): boolean {
  return a.leader === b.leader && a.epoch === b.epoch && sameZxid(a.zxid, b.zxid)
}
