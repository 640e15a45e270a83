/** Events next to answers, under load, and several modes of watches on one path (etcd-15220, 17529; ZOOKEEPER-4466, 4471, 4472, 4475). */
import { expect } from 'chai'
import { ClientWatches } from '../../../lib/core/watch/client-watches.js'
import { PersistentWatches } from '../../../lib/core/watch/persistent-watches.js'
import type { RemoveWatchType } from '../../../lib/model/request.js'
import type { TreeChange } from '../../../lib/model/tree-change.js'
import type { VirtualPeer } from '../../../lib/testing/virtual/virtual-peer.js'
import { replaceMethod } from '../mutants/mutant.js'
import { HostScript } from './host-script.js'
import { tell } from './planted.js'
import { attachRaw } from './raw-client.js'

describe('scripted: events', () => {
  tell('etcd-15220, etcd-17529: no answer overtakes an event, and none is lost while a subscriber starves (W1, W4)', async () => {
    const script = new HostScript()
    await script.start()
    const [starving, other] = script.others as [VirtualPeer, VirtualPeer]
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
    const rounds = 6
    for (let round = 0; round < rounds; round++) {
      const names = Array.from({ length: 100 }, (_, n) => `${round}-${n}`)
      const work = names.map((name, n) => writers[n % 2]!.create(`/load/${name}`, name))
      const looks = Array.from({ length: 20 }, look)
      if (round % 2 === 1) {
        await script.pass(2)
        // Its process stands still while the others go on: it hears all at once, afterwards.
        starving.process!.pause()
        await script.pass(300)
        starving.process!.resume()
      }
      await script.of(Promise.all([...work, ...looks]))
    }
    await script.of(look())
    expect(behind, 'answers ahead of the events').to.equal(0)
    expect(heard.length).to.equal(rounds * 100)
    const changes = script.chain.entries.flatMap(entry => entry.changes).filter(change => isBelow([change]))
    expect(heard).to.deep.equal(changes.map(({ type, path }) => `${type} ${path}`))
    await script.end()
  }, [
    'an event comes after the answer that shows its change',
    'one event of many is lost',
    'an event is lost on its way to the observers now and then',
  ])

  tell('ZOOKEEPER-4466, ZOOKEEPER-4471, ZOOKEEPER-4472, ZOOKEEPER-4475: modes on one path do not disturb each other (W6, W8)', async () => {
    const script = new HostScript()
    await script.start()
    const [follower, other] = script.others as [VirtualPeer, VirtualPeer]
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
    expect(await changes(), 'one event for each change and path').to.deep.equal(both(1))
    // The one-shot watches are used up; what is removed of a kind that is not there takes nothing else with it.
    expect(await remove('data')).to.equal('NO_WATCHER')
    expect(await remove('children')).to.equal('NO_WATCHER')
    expect(await changes()).to.deep.equal(both(2))
    await script.of(watcher.ask({ kind: 'getChildren', path: '/a', watch: true }))
    expect(await remove('children')).to.equal('removed')
    expect(await changes()).to.deep.equal(both(3))
    expect(await remove('persistent')).to.equal('removed')
    const recursive = (n: number) => ['dataChanged /a', `created /a/${n}`, 'dataChanged /a/b']
    expect(await changes(), 'never childrenChanged').to.deep.equal(recursive(4))
    await script.of(add('persistent'))
    expect(await remove('persistentRecursive')).to.equal('removed')
    expect(await changes()).to.deep.equal(['dataChanged /a', 'childrenChanged /a'])
    await script.of(add('persistentRecursive'))
    expect(await remove('any')).to.equal('removed')
    expect(await changes()).to.deep.equal([])
    await script.of(watcher.ask({ kind: 'closeSession' }))
    await script.of(writer.close())
    await script.end()
  }, [
    {
      name: 'removing one of two modes removes both',
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
      plant: () =>
        replaceMethod(PersistentWatches.prototype, 'collectForChildren', () => {
          return function (this: PersistentWatches, path, found) {
            this.collectForNode(path, found)
          }
        }),
    },
    {
      name: 'removing a watch for children takes the persistent one with it',
      plant: () =>
        replaceMethod(ClientWatches.prototype, 'remove', remove => {
          return function (this: ClientWatches, path, type) {
            if (type === 'children') remove.call(this, path, 'persistent')
            return remove.call(this, path, type)
          }
        }),
    },
  ])
})

function isBelow(changes: readonly TreeChange[]): boolean {
  return changes.some(({ path }) => path.startsWith('/load/'))
}
