/** Mutants in who is told of a change, and how often. */
import { ClientWatches } from '../../../lib/core/watch/client-watches.js'
import { WatchRegistry } from '../../../lib/core/watch/watch-registry.js'
import { WatchTable } from '../../../lib/core/watch/watch-table.js'
import { parentOf } from '../../../lib/model/path.js'
import { changeEffects, type Mutant, replaceMethod } from './mutant.js'

export const watchMutants: readonly Mutant[] = [
  {
    name: 'a watch fires more than once',
    rows: ['W3', 'W1'],
    plant: () =>
      replaceMethod(WatchTable.prototype, 'take', () => {
        return function (this: WatchTable, path, found) {
          this.collect(path, found)
        }
      }),
  },
  {
    name: 'nobody is told that a znode is gone',
    about: 'etcd-18089: the delete event is missing',
    rows: ['W1', 'W4'],
    plant: () =>
      replaceMethod(WatchRegistry.prototype, 'fire', fire => {
        return function (this: WatchRegistry, changes, zxid, mayRead) {
          fire.call(
            this,
            changes.filter(({ type }) => type !== 'deleted'),
            zxid,
            mayRead,
          )
        }
      }),
  },
  {
    name: 'watches of a client that has left remain',
    about: 'ZOOKEEPER-1382: watch tables keep dead sessions',
    rows: ['W9', 'R1'],
    plant: () => replaceMethod(WatchRegistry.prototype, 'dropClient', () => () => {}),
  },
  {
    name: 'watches are not set again after a reconnect',
    about: 'ZOOKEEPER-1412',
    rows: ['W4', 'W1'],
    plant: () => replaceMethod(ClientWatches.prototype, 'restore', () => () => {}),
  },
  {
    name: 'one event of many is lost',
    about: 'etcd-15220: events are lost when a stream starves',
    rows: ['W1', 'W4'],
    plant: () => {
      let events = 0
      return changeEffects(effects => effects.filter(({ kind }) => kind !== 'notify' || ++events % 9 !== 0))
    },
  },
  {
    name: 'watches of a parent’s data hear of new children',
    rows: ['W5', 'W3'],
    plant: () =>
      replaceMethod(WatchRegistry.prototype, 'fire', fire => {
        return function (this: WatchRegistry, changes, zxid, mayRead) {
          const invented = changes
            .filter(({ type }) => type === 'created')
            .map(change => ({ ...change, type: 'dataChanged' as const, path: parentOf(change.path) }))
          fire.call(this, [...changes, ...invented], zxid, mayRead)
        }
      }),
  },
  {
    name: 'events leave in the opposite order',
    rows: ['W2'],
    plant: () =>
      changeEffects(effects => {
        const events = effects.filter(({ kind }) => kind === 'notify')
        return effects.map(effect => (effect.kind === 'notify' ? events.pop()! : effect))
      }),
  },
  {
    name: 'an event is told twice, the second time as one that was missed',
    rows: ['W5', 'W3'],
    plant: () => {
      let events = 0
      return changeEffects(effects =>
        effects.flatMap(effect =>
          effect.kind === 'notify' && ++events % 5 === 0
            ? [effect, { ...effect, event: { ...effect.event, zxid: undefined } }]
            : [effect],
        ),
      )
    },
  },
]
