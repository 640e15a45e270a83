/** Bugs planted into host and client while a run lasts, and the rows of the invariants they break. */
import { ConflatedRead } from '../../../lib/client/observe.js'
import { PendingCalls } from '../../../lib/client/pending-calls.js'
import { Requests } from '../../../lib/client/requests.js'
import { Watches } from '../../../lib/client/watches.js'
import { PrepareStation } from '../../../lib/core/pipeline/prepare.js'
import { RequestPipeline } from '../../../lib/core/pipeline/request-pipeline.js'
import { Touches } from '../../../lib/core/session/touches.js'
import { Ephemerals } from '../../../lib/core/tree/ephemerals.js'
import { LifetimeAges } from '../../../lib/core/tree/lifetime-ages.js'
import { Alarm } from '../../../lib/host/alarm.js'
import { Inbox } from '../../../lib/host/inbox.js'
import { Link } from '../../../lib/host/link.js'
import { LocalChannels } from '../../../lib/host/local-channel.js'
import { SnapshotReceiver } from '../../../lib/host/snapshot-receiver.js'
import type { Request } from '../../../lib/model/request.js'
import { ZERO } from '../../../lib/model/zxid.js'
import { VirtualDisk } from '../../../lib/testing/virtual/virtual-disk.js'
import { replaceMethod } from '../mutants/mutant.js'
import { clientMutants } from './client-mutants.js'
import { every, type HostMutant } from './host-mutant.js'
import { moving, snapshots } from './host-scenario.js'
import { standingMutants } from './standing-mutants.js'

/** All of them. */
export const hostMutants: readonly HostMutant[] = [
  ...clientMutants,
  ...standingMutants,
  {
    name: 'the log writer does not wait for the disk',
    rows: ['Z17'],
    plant: () =>
      replaceMethod(VirtualDisk.prototype, 'storage', storage => {
        return function (this: VirtualDisk, process) {
          const made = storage.call(this, process)
          const append = made.append.bind(made)
          made.append = async proposals => {
            append(proposals).catch(() => undefined)
          }
          return made
        }
      }),
  },
  {
    name: 'a link loses a forwarded request now and then',
    rows: ['L2', 'L1', 'S3', 'W10', 'R1'],
    plant: () => {
      const now = every(15)
      return replaceMethod(Link.prototype, 'send', send => {
        return function (this: Link, message) {
          return message.kind === 'request' && now() ? true : send.call(this, message)
        }
      })
    },
  },
  {
    name: 'an event comes after the answer that shows its change',
    rows: ['W1'],
    plant: () => {
      const held = new Map<number, Parameters<LocalChannels['perform']>[0]>()
      return replaceMethod(LocalChannels.prototype, 'perform', perform => {
        return function (this: LocalChannels, effect) {
          if (effect.kind === 'notify' && !held.has(effect.client)) {
            held.set(effect.client, effect)
            return
          }
          perform.call(this, effect)
          const late = effect.kind === 'notify' ? undefined : held.get(effect.client)
          if (late === undefined) return
          held.delete(effect.client)
          perform.call(this, late)
        }
      })
    },
  },
  {
    name: 'of two events in a row the second comes first',
    rows: ['W2'],
    plant: () => {
      const held = new Map<number, Parameters<LocalChannels['perform']>[0]>()
      return replaceMethod(LocalChannels.prototype, 'perform', perform => {
        return function (this: LocalChannels, effect) {
          const first = held.get(effect.client)
          held.delete(effect.client)
          if (first === undefined && effect.kind === 'notify') {
            held.set(effect.client, effect)
            return
          }
          const both = effect.kind === 'notify' ? [effect, first] : [first, effect]
          for (const each of both) if (each !== undefined) perform.call(this, each)
        }
      })
    },
  },
  {
    name: 'watches are lost when a client attaches again',
    rows: ['W10'],
    scenario: snapshots,
    plant: () => replaceMethod(Watches.prototype, 'greeting', () => () => []),
  },
  {
    name: 'observers are not told that the ensemble is gone',
    rows: ['C14'],
    plant: () => replaceMethod(Watches.prototype, 'suspended', () => () => undefined),
  },
  {
    name: 'a call without an answer is never given up',
    rows: ['L2'],
    plant: () => replaceMethod(PendingCalls.prototype, 'expire', () => () => Number.POSITIVE_INFINITY),
  },
  {
    name: 'a call that its peer refuses is forgotten',
    rows: ['C2', 'L2'],
    plant: () => replaceMethod(PendingCalls.prototype, 'failed', () => () => undefined),
  },
  {
    name: 'an event is lost on its way to the observers now and then',
    rows: ['W10', 'W6'],
    plant: () => {
      const now = every(5)
      return replaceMethod(Watches.prototype, 'event', event => {
        return function (this: Watches, told) {
          if (!now()) event.call(this, told)
        }
      })
    },
  },
  {
    name: 'a stream reads once and no more',
    rows: ['W10'],
    plant: () => {
      const reading = new WeakSet<ConflatedRead>()
      return replaceMethod(ConflatedRead.prototype, 'read', read => {
        return function (this: ConflatedRead) {
          if (reading.has(this)) return
          reading.add(this)
          read.call(this)
        }
      })
    },
  },
  {
    name: 'a set with a version forgets the version',
    rows: ['C10'],
    plant: () =>
      replaceMethod(Requests.prototype, 'setStep', setStep => {
        return function (this: Requests, path, data) {
          return setStep.call(this, path, data, undefined)
        }
      }),
  },
  {
    name: 'inputs overtake each other now and then',
    rows: ['C2', 'Z9', 'Z7', 'R1', 'L1', 'L2', 'Z8', 'C5', 'C3', 'W1'],
    plant: () => {
      const now = every(20)
      return replaceMethod(Inbox.prototype, 'take', take => {
        return function (this: Inbox) {
          const first = take.call(this)
          if (first?.kind !== 'request' || this.length === 0 || !now()) return first
          const second = take.call(this)
          this.push(first)
          return second
        }
      })
    },
  },
  {
    name: 'a chunk of a snapshot is lost',
    rows: ['L1', 'R1', 'L3'],
    scenario: snapshots,
    plant: () => replaceMethod(SnapshotReceiver.prototype, 'chunk', () => () => true),
  },
  {
    name: 'the alarm of a closed peer goes on',
    rows: ['R3'],
    plant: () => replaceMethod(Alarm.prototype, 'cancel', () => () => undefined),
  },
  {
    name: 'a peer forgets its clients when it fails',
    rows: ['C14', 'L2', 'R3', 'W10'],
    plant: () => replaceMethod(LocalChannels.prototype, 'close', () => () => undefined),
  },
  {
    name: 'the leader takes requests of a session from whichever peer they come',
    rows: ['S6'],
    scenario: moving,
    plant: () => replaceMethod(PrepareStation.prototype, 'ownedBy', () => () => true),
  },
  {
    name: 'a peer does not ask what a client that comes to it has seen',
    rows: ['C3', 'W10'],
    scenario: moving,
    plant: () =>
      replaceMethod(RequestPipeline.prototype, 'attach', attach => {
        return function (this: RequestPipeline, id, attachment, now) {
          attach.call(this, id, { ...attachment, lastZxidSeen: ZERO }, now)
        }
      }),
  },
  {
    name: 'a client that has gone is taken for one that is there',
    rows: ['S3', 'W9', 'R3'],
    plant: () =>
      replaceMethod(Inbox.prototype, 'push', push => {
        return function (this: Inbox, input) {
          if (input.kind === 'clientDetached') return
          if (input.kind === 'request' && input.request.kind === 'closeSession') return
          push.call(this, input)
        }
      }),
  },
  {
    name: 'the first ephemeral of a session outlives it',
    rows: ['S4'],
    plant: () =>
      replaceMethod(Ephemerals.prototype, 'of', of => {
        return function (this: Ephemerals, session) {
          return new Set([...of.call(this, session)].slice(1))
        }
      }),
  },
  {
    name: 'a znode that has some time to live is reaped after half of it',
    rows: ['C10'],
    scenario: { lifetimes: true },
    plant: () =>
      replaceMethod(LifetimeAges.prototype, 'ageOf', ageOf => {
        return function (this: LifetimeAges, path, znode, now) {
          return 2 * ageOf.call(this, path, znode, now)
        }
      }),
  },
  {
    name: 'nobody touches the sessions of embedded clients',
    rows: ['S9', 'L2'],
    plant: () => replaceMethod(Touches.prototype, 'touch', () => () => undefined),
  },
  {
    name: 'a watch that nobody needs any more is kept',
    rows: ['W9'],
    plant: () =>
      replaceMethod(RequestPipeline.prototype, 'request', request => {
        return function (this: RequestPipeline, id, cxid, asked, now) {
          const kept: Request =
            asked.kind === 'removeWatches' ? { kind: 'exists', path: asked.path, watch: false } : asked
          request.call(this, id, cxid, kept, now)
        }
      }),
  },
  {
    name: 'a peer tells of an expired session without a reason now and then',
    rows: ['C16'],
    plant: () => {
      const now = every(100)
      return replaceMethod(LocalChannels.prototype, 'perform', perform => {
        return function (this: LocalChannels, effect) {
          if (effect.kind !== 'reply' || !now()) return perform.call(this, effect)
          const { client, cxid } = effect
          perform.call(this, { kind: 'fail', client, cxid, code: 'SESSION_EXPIRED', outcome: 'unknown' })
        }
      })
    },
  },
]
