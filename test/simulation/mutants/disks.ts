/**
 * Mutants in what a store makes of its disk, one or more for each row of §2.6 and for Z20–Z22, Z27, Z30: each is to be caught by its own row. The code
 * they change is the core's, the judgement of logs that all stores share (storage/log-judge.ts), and the simulated store that mirrors level-storage.ts.
 */
import type { Effect } from '../../../lib/core/effect.js'
import { PeerCore } from '../../../lib/core/peer.js'
import { Replica } from '../../../lib/core/replica.js'
import { History } from '../../../lib/core/zab/history.js'
import { Learner } from '../../../lib/core/zab/learner.js'
import type { Proposal } from '../../../lib/model/proposal.js'
import { isAfter } from '../../../lib/model/zxid.js'
import { LogJudge } from '../../../lib/storage/log-judge.js'
import { DiskContent } from '../../../lib/testing/disk-content.js'
import { readTree, StoredValue } from '../../../lib/testing/disk-flaws.js'
import { type DiskFault, SimulatedDisk } from '../../../lib/testing/simulated-disk.js'
import { imageOf, SimulatedStore } from '../../../lib/testing/simulated-store.js'
import { badDisks, type ScenarioChange } from '../scenario.js'
import { changeEffects, type Mutant, replaceGetter, replaceMethod } from './mutant.js'

/** These faults only, often, and crashes. */
function only(...diskFaults: readonly DiskFault[]): ScenarioChange {
  return { ...badDisks, faults: ['crash', 'crashMidStep'], faultEveryMs: 300, diskFaults, diskFaultEveryMs: 150 }
}
const crashes: ScenarioChange = { ...badDisks, faults: ['crash', 'crashMidStep'], faultEveryMs: 100, diskFaults: [] }

const all =
  (...undos: readonly (() => void)[]): (() => void) =>
  () => {
    for (const undo of undos) undo()
  }

const noChecksums = (): (() => void) =>
  replaceMethod(StoredValue.prototype, 'read', () => {
    return function (this: StoredValue<unknown>) {
      return this.content
    }
  })

/** With a write that failed goes the entry before it. */
const dropOneMore = (): (() => void) =>
  replaceMethod(SimulatedStore.prototype, 'open', open => {
    return function (this: SimulatedStore) {
      const { content } = this
      const last = content.entries.at(-1)
      const mark = content.mark.read()
      if (last !== undefined && mark !== undefined && isAfter(last.zxid, mark.zxid)) content.entries.pop()
      return open.call(this)
    }
  })

export const diskMutants: readonly Mutant[] = [
  {
    name: 'the checksum of an entry is not verified',
    rows: ['D1'],
    scenario: only('rotLog'),
    plant: noChecksums,
  },
  {
    name: 'the durable mark is written before what it tells of',
    rows: ['D1'],
    scenario: crashes,
    plant: () =>
      replaceMethod(SimulatedDisk.prototype, 'submit', submit => {
        return function (this: SimulatedDisk, operation) {
          if (operation.kind === 'append') this.store.content.mark.write({ zxid: operation.proposals.at(-1)!.zxid })
          submit.call(this, operation)
        }
      }),
  },
  {
    name: 'a peer goes on after a write that failed',
    rows: ['D2'],
    scenario: only('syncFails', 'writeFails'),
    plant: () =>
      replaceMethod(PeerCore.prototype, 'step', step => {
        return function (this: PeerCore, input, now) {
          return input.kind === 'storageFailed' ? [] : step.call(this, input, now)
        }
      }),
  },
  {
    name: 'nobody looks at the durable mark',
    rows: ['D3'],
    scenario: only('rotLog'),
    plant: () => replaceGetter(LogJudge.prototype, 'damage', () => () => undefined),
  },
  {
    name: 'recovery passes a gap in the log',
    rows: ['D3'],
    scenario: only('rotLog', 'lostWrite'),
    plant: () =>
      all(
        replaceGetter(LogJudge.prototype, 'damage', () => () => undefined),
        replaceMethod(LogJudge.prototype, 'take', take => {
          return function (this: LogJudge, first, group) {
            const verdict = take.call(this, first, group)
            if (verdict === 'cut' && typeof group !== 'string') (this.suffix as Proposal[]).push(...group)
            return verdict
          }
        }),
      ),
  },
  {
    name: 'a write that failed is said to have no effect',
    rows: ['D4'],
    scenario: only('syncFails', 'writeFails'),
    plant: () => {
      const asked = new WeakMap<PeerCore, { client: Effect & { kind: 'fail' } }[]>()
      return changeEffects((effects, input, core) => {
        const waiting = asked.get(core) ?? []
        if (input.kind === 'request' && input.request.kind === 'create') {
          const { client, cxid } = input
          asked.set(core, [
            ...waiting.slice(-8),
            { client: { kind: 'fail', client, cxid, code: 'STORAGE_FAILED', outcome: 'not-applied' } },
          ])
        }
        return input.kind === 'storageFailed' ? [...waiting.map(each => each.client), ...effects] : effects
      })
    },
  },
  {
    name: 'what is durable is dropped with the write behind it that failed',
    rows: ['D4'],
    scenario: { ...only('writeFails'), faults: ['slowDisk'] },
    plant: dropOneMore,
  },
  {
    name: 'the mark has a promised epoch before the log has it',
    rows: ['D5'],
    scenario: crashes,
    plant: () =>
      replaceMethod(SimulatedStore.prototype, 'epochSteps', epochSteps => {
        return function (this: SimulatedStore, epochs, endsRepair) {
          const [log, mark, ...rest] = epochSteps.call(this, epochs, endsRepair)
          return [mark!, log!, ...rest]
        }
      }),
  },
  {
    name: 'history is let go of ahead of the checkpoint',
    rows: ['D6'],
    scenario: crashes,
    plant: () =>
      replaceMethod(DiskContent.prototype, 'purge', () => {
        return function (this: DiskContent) {
          this.base = this.last
          this.entries = []
        }
      }),
  },
  {
    name: 'a checkpoint counts before all of it is there',
    rows: ['D6'],
    scenario: crashes,
    plant: () =>
      replaceMethod(DiskContent.prototype, 'writeCheckpoint', writeCheckpoint => {
        return function (this: DiskContent, changes) {
          writeCheckpoint.call(this, { ...changes, nodes: new Map([...changes.nodes].slice(1)) })
        }
      }),
  },
  {
    name: 'what is durable is dropped with the write for which there was no room',
    rows: ['D7'],
    scenario: { ...only('fullDisk'), faults: ['slowDisk'] },
    plant: dropOneMore,
  },
  {
    name: 'a missing log is taken for a new one',
    rows: ['D8'],
    scenario: only('lostName'),
    plant: () =>
      replaceMethod(SimulatedStore.prototype, 'open', open => {
        return function (this: SimulatedStore) {
          const { content, flaws } = this
          if (flaws.missing.delete('log')) {
            content.entries = []
            content.base = content.checkpoint.zxid
            content.mark.write({ zxid: content.base })
          }
          return open.call(this)
        }
      }),
  },
  {
    name: 'neither the values of the tree nor its digest are verified at a start',
    rows: ['D9'],
    scenario: only('rotTree'),
    plant: () =>
      all(
        noChecksums(),
        replaceMethod(SimulatedStore.prototype, 'open', open => {
          return function (this: SimulatedStore) {
            const { image, ...recovered } = open.call(this)
            return { ...recovered, image: { ...image, digest: Replica.from(image).digest } }
          }
        }),
      ),
  },
  {
    name: 'a snapshot is sent without being verified',
    rows: ['D9'],
    scenario: {
      ...only('rotTree'),
      world: { voters: 3, observers: 1, checkpointEntries: 4, entriesKept: 0 },
      faults: ['crash', 'isolateLeader', 'flapLearner'],
      faultEveryMs: 100,
      diskFaultEveryMs: 60,
    },
    plant: () =>
      all(
        noChecksums(),
        replaceMethod(SimulatedStore.prototype, 'image', () => {
          return function (this: SimulatedStore) {
            return imageOf(readTree(this.content, this.flaws))
          }
        }),
      ),
  },
  {
    name: 'a disk cuts off more than it is asked to',
    rows: ['Z20'],
    plant: () =>
      replaceMethod(DiskContent.prototype, 'truncate', truncate => {
        return function (this: DiskContent, after) {
          const dropped = truncate.call(this, after)
          const one = isAfter(this.last, this.checkpoint.zxid) ? this.entries.splice(-1) : []
          return [...one, ...dropped]
        }
      }),
  },
  {
    name: 'a follower takes a proposal for committed',
    rows: ['Z21'],
    plant: () =>
      replaceMethod(Learner.prototype, 'onMessage', onMessage => {
        return function (this: Learner, message, now) {
          onMessage.call(this, message, now)
          if (message.kind !== 'proposal' || !this.serving) return
          onMessage.call(this, { kind: 'commit', zxid: message.proposal.zxid }, now)
        }
      }),
  },
  {
    name: 'what is committed is applied before it is durable here',
    rows: ['Z22'],
    plant: () =>
      replaceMethod(History.prototype, 'nextToApply', () => {
        return function (this: History) {
          const [next] = this.unapplied()
          return next === undefined || isAfter(next.zxid, this.committed) ? undefined : next
        }
      }),
  },
  {
    name: 'a checkpoint says that it is of the txn before',
    rows: ['Z27'],
    scenario: crashes,
    plant: () =>
      replaceMethod(Replica.prototype, 'captureChanges', captureChanges => {
        return function (this: Replica) {
          const changes = captureChanges.call(this)
          const { epoch, counter } = changes.zxid
          return counter < 2 ? changes : { ...changes, zxid: { epoch, counter: counter - 1 } }
        }
      }),
  },
  {
    name: 'a snapshot is switched to, and the log stays as it was',
    rows: ['Z30'],
    scenario: { ...crashes, world: { voters: 3, checkpointEntries: 4, entriesKept: 0 } },
    plant: () =>
      replaceMethod(DiskContent.prototype, 'install', install => {
        return function (this: DiskContent, image) {
          const { base, entries } = this
          install.call(this, image)
          this.base = base
          this.entries = entries
          return []
        }
      }),
  },
]
