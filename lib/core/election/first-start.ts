/**
 * Who counts at the first start of an ensemble, when nobody has a leader's history yet (Z29).
 *
 * A voter is `fresh` while it has never taken a leader's history: its disk is new or was wiped, so what it promised and held before, if it ever did, is
 * gone. Its vote, promise and acknowledgement count for nobody, but at the first start: every voter was heard, and none of them has anything. One that
 * has adopted an epoch and has still an empty log broke off an earlier attempt, alone; one that follows or leads with others has had
 * the chance to commit, whatever its log was then. One voter may be an `origin`: an operator has declared that the ensemble begins anew with what
 * that one has. Then all of them must be fresh; what somebody got of it in an earlier attempt may lie about. Two origins contradict each other.
 *
 * A restarted voter hears the others over new links, so what it judges by was said after its disk was lost: no commit it was needed for is
 * forgotten by all the others, too.
 * Before: roles.ts asks. After: fast-leader-election.ts, zab/leader-discovery.ts.
 */
import type { PeerId } from '../../model/ids.js'
import type { FirstStartWait } from '../peer-status.js'
import type { Notification } from '../zab/messages.js'
import { isDamaged } from './damaged-voter.js'

/** What a voter says of its disk. */
export type DiskStanding = Pick<Notification, 'fresh' | 'blank' | 'origin'>

type Said = Pick<Notification, 'role' | 'fresh' | 'blank' | 'origin'>

/** @param said the last word of each voter, this peer's included. */
export function waitsForFirstStart(
  voters: ReadonlySet<PeerId>,
  said: (voter: PeerId) => Said | undefined,
): FirstStartWait {
  const ids = [...voters].sort((a, b) => a - b)
  const origins = ids.filter(id => said(id)?.origin)
  const passed = origins.length === 0 ? hasNothing : isFresh
  return {
    unheard: ids.filter(id => said(id) === undefined),
    holding: ids.filter(id => {
      const heard = said(id)
      return heard !== undefined && (isDamaged(heard) || !passed(heard))
    }),
    origins,
  }
}

export function isFirstStart({ unheard, holding, origins }: FirstStartWait): boolean {
  return unheard.length + holding.length === 0 && origins.length < 2
}

/** For the operator, of a voter whose disk is fresh. */
export function describeWait(self: PeerId, { unheard, holding, origins }: FirstStartWait): string {
  if (origins.length > 1)
    return `${named(origins)} were declared the origin of the ensemble, and only one member can be: decide whose data it is to have`
  const own = origins.includes(self) ? 'declared the origin of the ensemble' : 'no history on this disk'
  if (holding.length === 0) return `${own}: a first start waits for ${named(unheard)}`
  if (origins.length > 0) return `${own}, but not all others begin with nothing: ${named(holding)}`
  return `${own}, and this is no first start: it does not count until an ensemble has brought it up to date (not empty: ${named(holding)})`
}

function named(ids: readonly PeerId[]): string {
  return `${ids.length === 1 ? 'voter' : 'voters'} ${ids.join(', ')}`
}

function hasNothing({ role, fresh, blank }: Said): boolean {
  return blank === true && (role === 'looking' || fresh === true)
}

function isFresh({ fresh }: Said): boolean {
  return fresh === true
}
