/** Mutants in what quotas count and forbid. */
import { Replica } from '../../../lib/core/replica.js'
import { DataTree } from '../../../lib/core/tree/data-tree.js'
import { Quotas } from '../../../lib/core/tree/quotas.js'
import { EMPTY_DIGEST } from '../../../lib/model/digest.js'
import { quotas, rotting } from '../scenario.js'
import { type Mutant, replaceGetter, replaceMethod } from './mutant.js'

const isStatistics = (path: string) => path.endsWith('/zookeeper_stats')

export const quotaMutants: readonly Mutant[] = [
  {
    name: 'statistics of quotas are no part of a checkpoint',
    rows: ['Z26', 'Z27', 'C5'],
    scenario: quotas,
    plant: () =>
      replaceMethod(DataTree.prototype, 'captureDirty', captureDirty => {
        return function (this: DataTree) {
          const captured = captureDirty.call(this)
          for (const [path, znode] of captured) {
            const isNew = znode !== undefined && znode.czxid.counter % 2 === 0
            if (isStatistics(path) && znode !== undefined && !isNew) captured.delete(path)
          }
          return captured
        }
      }),
  },
  {
    name: 'statistics of quotas are counted anew at a start',
    about: 'ZooKeeper counts when it loads a snapshot: replicas differ where one quota lies within another',
    rows: ['Z26', 'Z27', 'C5'],
    scenario: quotas,
    plant: () =>
      replaceMethod(Replica, 'from', from => image => {
        const replica = from.call(Replica, image)
        for (const [path] of replica.tree.entries()) if (isStatistics(path)) replica.tree.quotas.created(path, 0)
        return replica
      }),
  },
  {
    name: 'the first txn behind a checkpoint counts twice for quotas',
    rows: ['Z26', 'Z27', 'C5'],
    scenario: quotas,
    plant: () => {
      const loaded = new WeakSet<Quotas>()
      const undo = [
        replaceMethod(Replica, 'from', from => image => {
          const replica = from.call(Replica, image)
          loaded.add(replica.tree.quotas)
          return replica
        }),
        replaceMethod(Quotas.prototype, 'created', created => {
          return function (this: Quotas, path, bytes) {
            if (this.deepest(path) !== undefined && loaded.delete(this)) this.dataSet(path, bytes)
            created.call(this, path, bytes)
          }
        }),
      ]
      return () => {
        for (const each of undo) each()
      }
    },
  },
  {
    name: 'system znodes are not counted',
    about: 'a quota that is missing from a disk, or stale there, passes for the truth (D9)',
    rows: ['D9', 'Z26', 'Z27', 'C5', 'C10'],
    scenario: { ...rotting, quotas: true },
    plant: () => replaceGetter(DataTree.prototype, 'systemDigest', () => () => EMPTY_DIGEST),
  },
  {
    name: 'a change counts for the topmost quota above it',
    rows: ['C5', 'C10'],
    scenario: quotas,
    plant: () =>
      replaceMethod(Quotas.prototype, 'deepest', deepest => {
        return function (this: Quotas, path) {
          const top = path.slice(0, path.indexOf('/', 1))
          return deepest.call(this, top === '' ? path : top) ?? deepest.call(this, path)
        }
      }),
  },
  {
    name: 'an ended quota goes on to be counted',
    rows: ['C5', 'C10', 'Z26', 'Z27'],
    scenario: quotas,
    plant: () =>
      replaceMethod(Quotas.prototype, 'deleted', deleted => {
        return function (this: Quotas, path, bytes) {
          if (!path.endsWith('/zookeeper_limits')) deleted.call(this, path, bytes)
        }
      }),
  },
  {
    name: 'a soft limit refuses',
    rows: ['C10'],
    scenario: quotas,
    plant: () =>
      replaceMethod(Quotas.prototype, 'limits', limits => {
        return function (this: Quotas, of) {
          const found = limits.call(this, of)
          return found && { ...found, countHardLimit: found.count, byteHardLimit: found.bytes }
        }
      }),
  },
]
