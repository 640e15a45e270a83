/** All checkers of a run. */
import type { World } from '../../../lib/testing/world.js'
import { AttachmentChecker } from './attachments.js'
import { BroadcastChecker } from './broadcast.js'
import { CallHistory } from './call-history.js'
import { CallChecker } from './calls.js'
import { DamageChecker } from './damage.js'
import { EpochChecker } from './epochs.js'
import { FailStopChecker } from './fail-stop.js'
import { FreshDiskChecker } from './fresh-disks.js'
import { Ledger } from './ledger.js'
import { LinkChecker } from './links.js'
import { OwnerChecker } from './owners.js'
import { RecoveryChecker } from './recovery.js'
import { SessionChecker } from './sessions.js'
import { StateChecker } from './state.js'
import { StatChecker } from './stats.js'

export interface Check {
  atEnd?(): void
}

/** Of the seeds, those whose first calls are also judged by search, which takes time. */
const SEARCHED_EVERY = 4

export function makeCheckers(world: World): { readonly all: readonly Check[]; readonly ledger: Ledger } {
  const ledger = new Ledger(world)
  world.observe(ledger)
  const calls = new CallChecker(ledger)
  const all: Check[] = [
    calls,
    calls.lifetimes,
    new EpochChecker(ledger),
    new DamageChecker(ledger),
    new RecoveryChecker(ledger),
    new FailStopChecker(ledger),
    new FreshDiskChecker(ledger),
    new BroadcastChecker(ledger),
    new LinkChecker(ledger),
    new StateChecker(ledger),
    new AttachmentChecker(ledger, calls.model),
    new SessionChecker(ledger),
    new OwnerChecker(ledger),
    new StatChecker(ledger),
    ...(world.options.seed % SEARCHED_EVERY === 0 ? [new CallHistory(world)] : []),
  ] as Check[]
  return { all, ledger }
}
