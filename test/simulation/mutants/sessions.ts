/** Mutants in how long sessions live, who speaks for them, and what goes with them. */

import { PendingSessions } from '../../../lib/core/operations/pending-sessions.js'
import { ClientTable } from '../../../lib/core/pipeline/clients.js'
import { LeaderRequests } from '../../../lib/core/pipeline/leader-requests.js'
import { PrepareStation } from '../../../lib/core/pipeline/prepare.js'
import { RequestPipeline } from '../../../lib/core/pipeline/request-pipeline.js'
import { ExpiryQueue } from '../../../lib/core/session/expiry-queue.js'
import { LocalLeases } from '../../../lib/core/session/local-leases.js'
import { SessionIds } from '../../../lib/core/session/session-ids.js'
import { SessionTable } from '../../../lib/core/session/session-table.js'
import { ZERO } from '../../../lib/model/zxid.js'
import { changeEffects, type Mutant, replaceMethod } from './mutant.js'

export const sessionMutants: readonly Mutant[] = [
  {
    name: 'hearing of a session does not prolong it',
    about: 'ZOOKEEPER-1049: healthy sessions expire',
    rows: ['S2'],
    plant: () => replaceMethod(ExpiryQueue.prototype, 'touch', () => () => true),
  },
  {
    name: 'a session expires at a quarter of its timeout',
    rows: ['S2'],
    plant: () =>
      replaceMethod(ExpiryQueue.prototype, 'track', track => {
        return function (this: ExpiryQueue, session, timeoutMs, now) {
          track.call(this, session, timeoutMs / 4, now)
        }
      }),
  },
  {
    name: 'sessions never expire',
    rows: ['S3'],
    plant: () => replaceMethod(ExpiryQueue.prototype, 'expired', () => () => []),
  },
  {
    name: 'sessions expire by the wall clock',
    about: 'a step of the clock ends healthy sessions',
    rows: ['S2'],
    scenario: { faults: ['wallClockStep'], faultEveryMs: 300 },
    plant: () => {
      const origin = new WeakMap<LeaderRequests, number>()
      return replaceMethod(LeaderRequests.prototype, 'expire', expire => {
        return function (this: LeaderRequests, now) {
          const began = origin.get(this) ?? now.wall - now.monotonic
          origin.set(this, began)
          expire.call(this, { ...now, monotonic: Math.max(now.monotonic, now.wall - began) })
        }
      })
    },
  },
  {
    name: 'a create behind the close of its session is taken',
    about: 'ZOOKEEPER-1208, 1496: an ephemeral without an owner',
    rows: ['S4', 'C10', 'C13', 'C1', 'C16'],
    plant: () =>
      replaceMethod(PendingSessions.prototype, 'isLive', () => {
        return () => true
      }),
  },
  {
    name: 'two sessions get one id',
    rows: ['S1'],
    plant: () =>
      replaceMethod(SessionIds.prototype, 'next', next => {
        return function (this: SessionIds, isTaken) {
          const session = next.call(this, isTaken)
          return `${session.slice(0, 15)}0` as typeof session
        }
      }),
  },
  {
    name: 'a peer goes on to speak for a session that has moved',
    about: 'ZOOKEEPER’s SessionMoved',
    rows: ['S6', 'C2'],
    plant: () => replaceMethod(PrepareStation.prototype, 'ownedBy', () => () => true),
  },
  {
    name: 'an embedded client believes in its session for ever',
    rows: ['C16'],
    scenario: {
      world: { voters: 3, observers: 2 },
      clients: 8,
      faults: ['partition', 'isolateLeader'],
      faultEveryMs: 1200,
      durationMs: 9000,
    },
    plant: () => replaceMethod(LocalLeases.prototype, 'lost', () => () => []),
  },
  {
    name: 'a client that has seen more is served all the same',
    about: 'ZOOKEEPER’s lastZxidSeen refusal',
    rows: ['C3', 'C5'],
    plant: () =>
      replaceMethod(RequestPipeline.prototype, 'attach', attach => {
        return function (this: RequestPipeline, id, attachment, now) {
          attach.call(this, id, { ...attachment, lastZxidSeen: ZERO }, now)
        }
      }),
  },
  {
    name: 'a peer without a leader goes on answering',
    about: 'ZOOKEEPER-3500: clients read very old data',
    rows: ['C14', 'Z24', 'C8', 'R1', 'C1', 'C2', 'L2'],
    plant: () => replaceMethod(RequestPipeline.prototype, 'suspend', () => () => {}),
  },
  {
    name: 'calls of a client that has left stay on the books',
    rows: ['W9', 'R2', 'L2'],
    plant: () =>
      replaceMethod(ClientTable.prototype, 'remove', remove => {
        return function (this: ClientTable, client) {
          const { outstanding } = this
          remove.call(this, client)
          this.outstanding = outstanding
        }
      }),
  },
  {
    name: 'a closed session stays in the table of some peers',
    about: 'ZOOKEEPER-3144: session tables differ between peers',
    rows: ['Z26', 'S4', 'S5', 'S3', 'Z31', 'L3'],
    plant: () => {
      let calls = 0
      return replaceMethod(SessionTable.prototype, 'remove', remove => {
        return function (this: SessionTable, session) {
          calls += 1
          return calls % 7 === 0 ? true : remove.call(this, session)
        }
      })
    },
  },
  {
    name: 'a peer that closes waits for something that does not come',
    about: 'ZOOKEEPER-4712: parts of a peer outlive it',
    rows: ['R3'],
    plant: () => changeEffects(effects => effects.filter(each => each.kind !== 'stop' || each.error !== undefined)),
  },
]
