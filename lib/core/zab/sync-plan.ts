/**
 * How a learner is brought to the leader's history: pure arithmetic over the two ends.
 *
 * Within an epoch a log is a prefix of what that epoch's leader proposed, so a zxid alone says whether the leader has it (Z6):
 * - the learner's last entry is in the leader's log       → DIFF from there
 * - it is not, but the leader still has something earlier  → TRUNC to the last entry both have, then DIFF
 * - the leader's log no longer reaches back that far       → SNAP
 * Zab paper, phase 2; ZooKeeper's LearnerHandler.syncFollower.
 */
import type { HistorySummary } from '../../model/history.js'
import { compareZxid, isAfter, sameZxid, type Zxid, zxid } from '../../model/zxid.js'

export type SyncPlan =
  | { readonly kind: 'diff'; readonly after: Zxid }
  | { readonly kind: 'truncate'; readonly after: Zxid }
  | { readonly kind: 'snapshot' }

export function planSync(leader: HistorySummary, learnerLast: Zxid): SyncPlan {
  const { base, ranges } = leader
  if (sameZxid(learnerLast, base)) return { kind: 'diff', after: learnerLast }
  if (!isAfter(learnerLast, base)) return { kind: 'snapshot' }
  let common = base
  for (const { epoch, first, last } of ranges) {
    if (learnerLast.epoch === epoch && learnerLast.counter >= first && learnerLast.counter <= last) {
      return { kind: 'diff', after: learnerLast }
    }
    const end = zxid(epoch, last)
    if (compareZxid(end, learnerLast) < 0) common = end
  }
  return { kind: 'truncate', after: common }
}
