/** Mutants in what writes are checked against, and in what applying them does. */

import { ForwardStation } from '../../../lib/core/pipeline/forward.js'
import { RequestPipeline } from '../../../lib/core/pipeline/request-pipeline.js'
import { SyncBarrier } from '../../../lib/core/pipeline/sync-barrier.js'
import { TxnClock } from '../../../lib/core/pipeline/txn-clock.js'
import { DataTree } from '../../../lib/core/tree/data-tree.js'
import { TreeOverlay } from '../../../lib/core/tree/tree-overlay.js'
import type { ForwardedRequest } from '../../../lib/core/zab/messages.js'
import { ZERO } from '../../../lib/model/zxid.js'
import { changeEffects, type Mutant, replaceMethod } from './mutant.js'

export const treeMutants: readonly Mutant[] = [
  {
    name: 'a write is checked against what is applied, not against what is under way',
    about: 'the leader’s outstanding changes (ZOOKEEPER: PrepRequestProcessor)',
    rows: ['C7', 'C10', 'C11', 'C13', 'R1'],
    plant: () =>
      replaceMethod(TreeOverlay.prototype, 'dataSet', dataSet => {
        return function (this: TreeOverlay, path, dataLength, version, zxid) {
          dataSet.call(this, path, dataLength, Math.max(0, version - 1), zxid)
        }
      }),
  },
  {
    name: 'a sequence number is given twice',
    about: 'ZOOKEEPER-1046: the counter of a parent is behind',
    rows: ['C10', 'C11', 'R1'],
    plant: () =>
      replaceMethod(TreeOverlay.prototype, 'created', created => {
        return function (this: TreeOverlay, path, made, parentCversion, zxid) {
          created.call(this, path, made, parentCversion > 3 ? parentCversion - 1 : parentCversion, zxid)
        }
      }),
  },
  {
    name: 'times of txns follow a clock that is set back',
    rows: ['C12', 'Z26', 'C10', 'R1'],
    scenario: { faults: ['wallClockStep', 'crash'], faultEveryMs: 300 },
    plant: () => replaceMethod(TxnClock.prototype, 'next', () => now => Math.floor(now.wall)),
  },
  {
    name: 'applying looks at something of its own',
    about: 'etcd-14571, ZOOKEEPER-3306: members apply one txn differently',
    rows: ['Z26', 'L3', 'Z31'],
    plant: () => {
      let calls = 0
      return replaceMethod(DataTree.prototype, 'setData', setData => {
        return function (this: DataTree, path, data, version, zxid, time) {
          calls += 1
          return setData.call(this, path, data, version, zxid, calls % 11 === 0 ? time + 1 : time)
        }
      })
    },
  },
  {
    name: 'a checkpoint misses a change',
    about: 'ZOOKEEPER-3127, etcd-14685: data and applied zxid are not of one moment',
    rows: ['Z27', 'R1', 'D9', 'Z22', 'L1', 'D6'],
    plant: () =>
      replaceMethod(DataTree.prototype, 'captureDirty', captureDirty => {
        return function (this: DataTree) {
          const dirty = captureDirty.call(this)
          const [first] = dirty.keys()
          if (dirty.size > 2 && first !== undefined) dirty.delete(first)
          return dirty
        }
      }),
  },
  {
    name: 'a sync is answered at once, once the leader is known to lead',
    about: 'it must wait for what was proposed before it',
    rows: ['C8'],
    plant: () =>
      replaceMethod(SyncBarrier.prototype, 'add', add => {
        return function (this: SyncBarrier, sync) {
          add.call(this, { ...sync, zxid: ZERO })
        }
      }),
  },
  {
    name: 'a sync does not wait for this replica',
    about: 'the leader has answered, the replica is behind',
    rows: ['C8'],
    plant: () =>
      replaceMethod(RequestPipeline.prototype, 'synced', synced => {
        return function (this: RequestPipeline, message, now) {
          synced.call(this, { ...message, zxid: ZERO }, now)
        }
      }),
  },
  {
    name: 'requests of one session overtake each other on the way to the leader',
    about: 'ZOOKEEPER-1863',
    rows: ['C1', 'C2', 'L2'],
    plant: () => {
      const held = new WeakMap<ForwardStation, ForwardedRequest>()
      return replaceMethod(ForwardStation.prototype, 'submit', submit => {
        return function (this: ForwardStation, request) {
          const before = held.get(this)
          if (before === undefined && request.cxid % 3 === 1) {
            held.set(this, request)
            return
          }
          submit.call(this, request)
          if (before === undefined) return
          held.delete(this)
          submit.call(this, before)
        }
      })
    },
  },
  {
    name: 'a znode is deleted over the heads of its children',
    rows: ['C9', 'C10', 'C13', 'R1'],
    plant: () =>
      replaceMethod(TreeOverlay.prototype, 'state', state => {
        return function (this: TreeOverlay, path) {
          const known = state.call(this, path)
          return known === undefined ? known : { ...known, childCount: 0 }
        }
      }),
  },
  {
    name: 'a write is answered with the end of the log',
    about: 'its own zxid is another, and what the log ends with may never be committed',
    rows: ['C6', 'C1', 'C3'],
    plant: () =>
      changeEffects((effects, _input, core) =>
        effects.map(effect =>
          effect.kind === 'reply' && effect.response.kind === 'stat' ? { ...effect, zxid: core.status.logged } : effect,
        ),
      ),
  },
  {
    name: 'a znode is gone again as soon as it is made',
    about: 'every replica does the same: only a second tree can tell',
    rows: ['C13'],
    plant: () =>
      replaceMethod(DataTree.prototype, 'create', create => {
        return function (this: DataTree, path, made, parentCversion, zxid, time) {
          const znode = create.call(this, path, made, parentCversion, zxid, time)
          if (znode !== undefined && zxid.counter % 7 === 0) this.delete(path, zxid)
          return znode
        }
      }),
  },
]
