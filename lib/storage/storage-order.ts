/**
 * The rules on arguments that every store asks of its caller; breaking one is a bug of the caller, never of the disk (invariant()).
 * Z14: no gap enters a log. Z20, Z30: what a checkpoint has is never cut away. Z3: epochs never decrease, and current never passes accepted.
 */
import type { Epochs } from '../model/history.js'
import { invariant } from '../model/invariant.js'
import type { Proposal } from '../model/proposal.js'
import { formatZxid, isAfter, sameZxid, type Zxid } from '../model/zxid.js'

export function requireChained(last: Zxid, proposals: readonly Proposal[]): void {
  invariant(proposals.length > 0, 'append of no entries')
  let before = last
  for (const { previous, zxid } of proposals) {
    invariant(
      sameZxid(previous, before) && isAfter(zxid, before),
      () => `Z14: ${formatZxid(zxid)} follows ${formatZxid(previous)}, but the log ends at ${formatZxid(before)}`,
    )
    before = zxid
  }
}

export function requireBehind(checkpoint: Zxid, cut: Zxid): void {
  invariant(!isAfter(checkpoint, cut), `cut at ${formatZxid(cut)}, before the checkpoint at ${formatZxid(checkpoint)}`)
}

export function requireRising(before: Epochs, next: Epochs): void {
  invariant(
    next.accepted >= before.accepted && next.current >= before.current && next.current <= next.accepted,
    `Z3: epochs go from accepted ${before.accepted}, current ${before.current} to accepted ${next.accepted}, current ${next.current}`,
  )
}
