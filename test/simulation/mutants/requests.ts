/** Mutants in what clients are told, and in what their writes do. */
import type { Effect } from '../../../lib/core/effect.js'
import { AttachedClient } from '../../../lib/core/pipeline/clients.js'
import { LeaderRequests } from '../../../lib/core/pipeline/leader-requests.js'
import { PrepareStation } from '../../../lib/core/pipeline/prepare.js'
import { RequestPipeline } from '../../../lib/core/pipeline/request-pipeline.js'
import { SyncBarrier, type WaitingSync } from '../../../lib/core/pipeline/sync-barrier.js'
import { Ephemerals } from '../../../lib/core/tree/ephemerals.js'
import { TreeOverlay } from '../../../lib/core/tree/tree-overlay.js'
import { ClientWatches } from '../../../lib/core/watch/client-watches.js'
import { LeaderSynchronization } from '../../../lib/core/zab/leader-synchronization.js'
import { ZERO } from '../../../lib/model/zxid.js'
import { flapping } from '../scenario.js'
import { changeEffects, type Mutant, replaceGetter, replaceMethod } from './mutant.js'

export const requestMutants: readonly Mutant[] = [
  {
    name: 'a session ends without its ephemerals',
    rows: ['S4', 'C13', 'C10'],
    plant: () => replaceMethod(Ephemerals.prototype, 'of', () => () => new Set<string>()),
  },
  {
    name: 'a write is answered before it is applied',
    rows: ['C1', 'C2'],
    plant: () =>
      changeEffects((effects, input, core) => {
        if (input.kind !== 'request' || input.request.kind !== 'setData' || effects.length === 0) return effects
        const { client, cxid } = input
        return [...effects, { kind: 'reply', client, cxid, zxid: core.replica.zxid, response: { kind: 'done' } }]
      }),
  },
  {
    name: 'an event leaves behind the answer that knows of it',
    rows: ['W1'],
    plant: () =>
      changeEffects(effects => {
        const isEvent = (effect: Effect): boolean => effect.kind === 'notify' && effect.event.zxid !== undefined
        return [...effects.filter(each => !isEvent(each)), ...effects.filter(isEvent)]
      }),
  },
  {
    name: 'a watch that is given again is not told what it missed',
    rows: ['W4'],
    plant: () =>
      replaceMethod(ClientWatches.prototype, 'restore', () => {
        return function (this: ClientWatches, request) {
          for (const path of [...request.data, ...request.exist]) this.watchData(path)
          for (const path of request.child) this.watchChild(path)
        }
      }),
  },
  {
    name: 'a read does not wait for the writes before it',
    rows: ['C2'],
    plant: () => replaceGetter(AttachedClient.prototype, 'idle', () => () => true),
  },
  {
    name: 'a failed multi leaves its first steps in the state to be',
    rows: ['C9', 'C10', 'C11', 'C13', 'S4', 'R1'],
    plant: () =>
      replaceMethod(TreeOverlay.prototype, 'rollback', () => {
        return function (this: TreeOverlay) {
          this.keep()
        }
      }),
  },
  {
    name: 'after a change of leader every write under way is submitted again',
    rows: ['C1', 'S1'],
    scenario: flapping,
    plant: () =>
      replaceMethod(RequestPipeline.prototype, 'resume', resume => {
        return function (this: RequestPipeline, submission, _unapplied, now) {
          resume.call(this, submission, [], now)
        }
      }),
  },
  {
    name: 'an observer serves before its own earlier writes are decided',
    rows: ['C1', 'S1'],
    scenario: flapping,
    plant: () =>
      replaceMethod(LeaderSynchronization.prototype, 'activate', activate => {
        return function (this: LeaderSynchronization, learner) {
          learner.joinedAt = ZERO
          activate.call(this, learner)
        }
      }),
  },
  {
    name: 'a sync is answered without asking anybody',
    rows: ['C8'],
    plant: () => {
      const waiting = new WeakMap<SyncBarrier, WaitingSync[]>()
      const undoAdd = replaceMethod(SyncBarrier.prototype, 'add', () => {
        return function (this: SyncBarrier, sync) {
          waiting.set(this, [...(waiting.get(this) ?? []), { ...sync, zxid: ZERO }])
        }
      })
      const undoTake = replaceMethod(SyncBarrier.prototype, 'take', () => {
        return function (this: SyncBarrier) {
          const ready = waiting.get(this) ?? []
          waiting.delete(this)
          return ready
        }
      })
      return () => {
        undoAdd()
        undoTake()
      }
    },
  },
  {
    name: 'a write that is refused because the disk is low is taken all the same',
    rows: ['C7', 'C1'],
    scenario: { faults: ['storageLow'], faultEveryMs: 150 },
    plant: () =>
      replaceMethod(PrepareStation.prototype, 'take', take => {
        return function (this: PrepareStation, from, request, now) {
          const code = this.refusal(from, request)
          if (code !== 'STORAGE_LOW') return take.call(this, from, request, now)
          const own = this as { refusal?: unknown }
          own.refusal = () => undefined
          take.call(this, from, request, now)
          delete own.refusal
          return code
        }
      }),
  },
  {
    name: 'the leader does not hear which sessions learners have heard',
    rows: ['S2'],
    // Clients that write now and then: a write touches its session by itself.
    scenario: { faultEveryMs: 2000, faults: ['resetLink'], diskFaultEveryMs: undefined, turnMs: 150 },
    plant: () => replaceMethod(LeaderRequests.prototype, 'touch', () => () => {}),
  },
]
