/** Mutants in how containers and TTL znodes end. */
import { reap } from '../../../lib/core/operations/reap.js'
import { PeerCore } from '../../../lib/core/peer.js'
import { Reaper } from '../../../lib/core/reaper.js'
import { LifetimeAges } from '../../../lib/core/tree/lifetime-ages.js'
import { lifetimes } from '../scenario.js'
import { type Mutant, replaceMethod } from './mutant.js'

export const lifetimeMutants: readonly Mutant[] = [
  {
    name: 'a container is reaped with a child on its way',
    about: 'ZooKeeper: the checks of deleteContainer, repeated in the pipeline',
    rows: ['C13', 'R1', 'C10'],
    scenario: { ...lifetimes, pipelining: 8 },
    plant: () =>
      replaceMethod(reap as { prepare: typeof reap.prepare }, 'prepare', () => ({ path, mzxid }, { overlay, zxid }) => {
        if (overlay.state(path) === undefined) return { kind: 'error', code: 'NO_NODE' }
        overlay.deleted(path, zxid)
        return { kind: 'delete', path, replaces: mzxid }
      }),
  },
  {
    name: 'a TTL is judged by the wall clock',
    rows: ['C10'],
    scenario: lifetimes,
    plant: () => {
      let wall = 0
      const undo = [
        replaceMethod(PeerCore.prototype, 'step', step => {
          return function (this: PeerCore, input, now) {
            wall = now.wall
            return step.call(this, input, now)
          }
        }),
        replaceMethod(
          LifetimeAges.prototype,
          'ageOf',
          () =>
            (_path, { mtime }) =>
              wall - mtime,
        ),
      ]
      return () => {
        for (const each of undo) each()
      }
    },
  },
  {
    name: 'setting a TTL znode does not renew it',
    rows: ['C10'],
    scenario: lifetimes,
    plant: () => {
      const since = new Map<string, number>()
      return replaceMethod(LifetimeAges.prototype, 'ageOf', () => (path, { czxid }, now) => {
        const key = `${path} ${czxid.epoch} ${czxid.counter}`
        const first = since.get(key) ?? now
        since.set(key, first)
        return now - first + 300
      })
    },
  },
  {
    name: 'a leader looks once only for what is out of use',
    rows: ['L2'],
    scenario: lifetimes,
    plant: () => {
      const looked = new WeakSet<Reaper>()
      return replaceMethod(Reaper.prototype, 'due', due => {
        return function (this: Reaper, now) {
          if (now < this.nextAt) return []
          const found = due.call(this, now)
          if (looked.has(this)) return []
          looked.add(this)
          return found
        }
      })
    },
  },
]
