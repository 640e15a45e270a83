/** Events next to answers, under load, and several modes of watches on one path (etcd-15220, 17529; ZOOKEEPER-4466, 4471, 4472, 4475). */

import type { Client } from '../../../lib/client/client.js'
import { ClientWatches } from '../../../lib/core/watch/client-watches.js'
import { PersistentWatches } from '../../../lib/core/watch/persistent-watches.js'
import type { RemoveWatchType } from '../../../lib/model/request.js'
import type { TreeChange } from '../../../lib/model/tree-change.js'
import { replaceMethod } from '../mutants/mutant.js'
import { HostScript } from './host-script.js'
import { mutant, plays } from './played.js'
import { attachRaw } from './raw-client.js'

describe('events', () => {
  plays(
    'etcd-15220, etcd-17529: no answer overtakes an event, and none is lost while a subscriber starves (W1, W4)',
    async () => {
      const script = await HostScript.begin()
      const [starving, other] = script.followers
      const watcher = await script.client(starving)
      const writers = [await script.client(other), await script.client(script.leader)]
      await script.of(writers[0]!.create('/load', ''))
      const heard: string[] = []
      let last = 0n
      watcher.events$('/load', { recursive: true }).subscribe(({ type, path, zxid }) => {
        // Its own creation may come to this peer later than the watch.
        if (path !== '/load') heard.push(`${type} ${path}`)
        if (zxid !== undefined && zxid > last) last = zxid
      })
      await script.of(watcher.exists('/load'))
      let behind = 0
      const look = async (): Promise<void> => {
        const zxid = await watcher.sync('/load')
        const due = script.chain.entries.findLast(entry => entry.zxid <= zxid && isBelow(entry.changes))
        if (due !== undefined && due.zxid > last) behind += 1
      }
      const rounds = 2
      let working = 0
      const work = async (writer: Client<string>, names: readonly string[]): Promise<void> => {
        working += 1
        for (const name of names) await writer.create(`/load/${name}`, name)
        working -= 1
      }
      for (let round = 0; round < rounds; round++) {
        const names = Array.from({ length: 40 }, (_, n) => `${round}-${n}`)
        const works = Promise.all([
          work(writers[0]!, names),
          work(
            writers[1]!,
            names.map(name => `${name}-too`),
          ),
        ])
        if (round % 2 === 1) {
          await script.pass(20)
          // Its process stands still while the others go on: it hears all at once, afterwards.
          starving.process!.pause()
          await script.pass(300)
          starving.process!.resume()
        }
        while (working > 0) await script.of(look())
        await script.of(works)
      }
      await script.of(look())
      script.equal('W1', 'answers ahead of the events', behind, 0)
      const changes = script.chain.entries.flatMap(entry => entry.changes).filter(change => isBelow([change]))
      script.reached('they are many', changes.length === rounds * 80)
      const all = changes.map(({ type, path }) => `${type} ${path}`)
      script.equal('W4', 'each is told once', [...heard].sort(), [...all].sort())
      script.equal('W2', 'in order', heard, all)
      await script.end()
    },
    mutant('an event comes after the answer that shows its change', 'W1', 'W2'),
    mutant('one event of many is lost', 'W1', 'W4'),
    mutant('an event is lost on its way to the observers now and then', 'W1', 'W4'),
  )

  plays(
    'ZOOKEEPER-4466, ZOOKEEPER-4471, ZOOKEEPER-4472, ZOOKEEPER-4475: modes on one path do not disturb each other (W6, W8)',
    async () => {
      const script = await HostScript.begin()
      const [follower, other] = script.followers
      const writer = await script.client(other)
      await script.of(writer.create('/a', 'a'))
      await script.of(writer.create('/a/b', 'b'))
      const told: string[] = []
      const watcher = attachRaw(follower, ({ type, path }) => told.push(`${type} ${path}`))
      const add = (mode: 'persistent' | 'persistentRecursive') => watcher.ask({ kind: 'addWatch', path: '/a', mode })
      const remove = async (type: RemoveWatchType): Promise<string> => {
        const response = await script.of(watcher.ask({ kind: 'removeWatches', path: '/a', type }))
        return response.kind === 'error' ? response.code : 'removed'
      }
      let writes = 0
      const changes = async (): Promise<string[]> => {
        told.length = 0
        writes += 1
        await script.of(writer.set('/a', `a ${writes}`))
        await script.of(writer.create(`/a/${writes}`, `c ${writes}`))
        await script.of(writer.set('/a/b', `b ${writes}`))
        // Behind all of it, on this peer.
        await script.of(watcher.ask({ kind: 'sync', path: '/' }))
        return [...told]
      }
      await script.of(Promise.all([add('persistent'), add('persistentRecursive')]))
      await script.of(watcher.ask({ kind: 'getData', path: '/a', watch: true }))
      await script.of(watcher.ask({ kind: 'getChildren', path: '/a', watch: true }))
      const both = (n: number) => ['dataChanged /a', `created /a/${n}`, 'childrenChanged /a', 'dataChanged /a/b']
      script.equal('W6', 'one event for each change and path', await changes(), both(1))
      // The one-shot watches are used up; what is removed of a kind that is not there takes nothing else with it.
      script.equal('W8', 'a data watch', await remove('data'), 'NO_WATCHER')
      script.equal('W8', 'a child watch', await remove('children'), 'NO_WATCHER')
      script.equal('W6', 'both stay', await changes(), both(2))
      await script.of(watcher.ask({ kind: 'getChildren', path: '/a', watch: true }))
      script.equal('W8', 'a child watch', await remove('children'), 'removed')
      script.equal('W8', 'both stay', await changes(), both(3))
      script.equal('W8', 'one of two', await remove('persistent'), 'removed')
      const recursive = (n: number) => ['dataChanged /a', `created /a/${n}`, 'dataChanged /a/b']
      script.equal('W6', 'the recursive one stays, and never hears childrenChanged', await changes(), recursive(4))
      await script.of(add('persistent'))
      script.equal('W8', 'the other of two', await remove('persistentRecursive'), 'removed')
      script.equal('W6', 'the plain one stays', await changes(), ['dataChanged /a', 'childrenChanged /a'])
      await script.of(add('persistentRecursive'))
      script.equal('W8', 'all', await remove('any'), 'removed')
      script.equal('W8', 'none stays', await changes(), [])
      await script.of(watcher.ask({ kind: 'closeSession' }))
      await script.of(writer.close())
      await script.end()
    },
    {
      name: 'removing one of two modes removes both',
      rows: ['W6', 'W8'],
      plant: () =>
        replaceMethod(PersistentWatches.prototype, 'remove', remove => {
          return function (this: PersistentWatches, client, path, mode) {
            remove.call(this, client, path, mode === 'persistent' ? 'persistentRecursive' : 'persistent')
            return remove.call(this, client, path, mode)
          }
        }),
    },
    {
      name: 'a recursive watch hears of changed children',
      rows: ['W6'],
      plant: () =>
        replaceMethod(PersistentWatches.prototype, 'collectForChildren', () => {
          return function (this: PersistentWatches, path, found) {
            this.collectForNode(path, found)
          }
        }),
    },
    {
      name: 'removing a watch for children takes the persistent one with it',
      rows: ['W6', 'W8'],
      plant: () =>
        replaceMethod(ClientWatches.prototype, 'remove', remove => {
          return function (this: ClientWatches, path, type) {
            if (type === 'children') remove.call(this, path, 'persistent')
            return remove.call(this, path, type)
          }
        }),
    },
  )
})

function isBelow(changes: readonly TreeChange[]): boolean {
  return changes.some(({ path }) => path.startsWith('/load/'))
}
