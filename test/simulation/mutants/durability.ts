/** Mutants that say what is not on the disk yet, or count what nobody has. */

import { Outbox } from '../../../lib/core/outbox.js'
import type { PeerCore } from '../../../lib/core/peer.js'
import { History } from '../../../lib/core/zab/history.js'
import { LeaderBroadcast } from '../../../lib/core/zab/leader-broadcast.js'
import type { LinkId } from '../../../lib/model/ids.js'
import { SimulatedStore } from '../../../lib/testing/simulated-store.js'
import { rotting } from '../scenario.js'
import { changeEffects, type Mutant, replaceGetter, replaceMethod } from './mutant.js'

export const durabilityMutants: readonly Mutant[] = [
  {
    name: 'a proposal counts as durable when it is handed to the disk',
    rows: ['Z17', 'Z21', 'Z22', 'Z15'],
    plant: () =>
      replaceMethod(History.prototype, 'append', append => {
        return function (this: History, proposal) {
          append.call(this, proposal)
          this.logged(proposal.zxid)
        }
      }),
  },
  {
    name: 'what is durable here counts as committed',
    rows: ['Z15', 'Z21', 'Z8', 'Z23'],
    plant: () =>
      replaceMethod(History.prototype, 'logged', logged => {
        return function (this: History, zxid) {
          logged.call(this, zxid)
          this.commit(zxid)
        }
      }),
  },
  {
    name: 'the end of the log passes for durable',
    rows: ['Z15', 'Z17', 'Z22', 'Z21'],
    plant: () =>
      replaceGetter(
        History.prototype,
        'durable',
        () =>
          function () {
            return this.last
          },
      ),
  },
  {
    name: 'the promise of an epoch is not saved',
    rows: ['Z4'],
    plant: () =>
      replaceMethod(Outbox.prototype, 'saveEpochs', saveEpochs => {
        return function (this: Outbox, epochs) {
          return saveEpochs.call(
            this,
            epochs.accepted > epochs.current ? { ...epochs, accepted: epochs.current } : epochs,
          )
        }
      }),
  },
  {
    name: 'NEWLEADER is acknowledged before history and epoch are durable',
    rows: ['Z18'],
    plant: () => {
      const links = new WeakMap<PeerCore, LinkId>()
      return changeEffects((effects, input, core) => {
        if (input.kind === 'message' && input.message.kind === 'newLeader') links.set(core, input.link)
        const link = links.get(core)
        return effects.flatMap(effect => {
          if (effect.kind === 'send' && effect.message.kind === 'ackNewLeader') return []
          const adopts = effect.kind === 'saveEpochs' && effect.epochs.accepted === effect.epochs.current
          if (!adopts || core.status.role === 'leading' || link === undefined) return [effect]
          return [effect, { kind: 'send', link, message: { kind: 'ackNewLeader', epoch: effect.epochs.current } }]
        })
      })
    },
  },
  {
    name: 'a peer votes while its log is still being written',
    rows: ['E6'],
    plant: () => replaceGetter(Outbox.prototype, 'drained', () => () => true),
  },
  {
    name: 'a new leader goes on with the counter of the epoch before',
    rows: ['Z5'],
    plant: () =>
      replaceMethod(LeaderBroadcast.prototype, 'nextZxid', nextZxid => {
        return function (this: LeaderBroadcast) {
          const next = nextZxid.call(this)
          return next?.counter === 1 && next.epoch > 1 ? { ...next, counter: 2 } : next
        }
      }),
  },
  {
    name: 'a damaged member votes',
    rows: ['E7', 'Z13', 'Z20', 'Z21'],
    scenario: rotting,
    plant: () =>
      replaceMethod(SimulatedStore.prototype, 'open', open => {
        return function (this: SimulatedStore) {
          return { ...open.call(this), damage: undefined }
        }
      }),
  },
  {
    name: 'a damaged member counts as whole when it has promised an epoch',
    rows: ['D3'],
    scenario: rotting,
    plant: () =>
      replaceMethod(Outbox.prototype, 'saveEpochs', saveEpochs => {
        return function (this: Outbox, epochs) {
          return saveEpochs.call(this, epochs, true)
        }
      }),
  },
]
