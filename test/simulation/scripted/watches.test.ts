/** Watches and observables over partitions, and over members that come back to snapshots (ZOOKEEPER-706, 1667; etcd-15271, 18089, 19179). */
import { expect } from 'chai'
import type { Client, ZnodeEvent } from '../../../lib/index.js'
import type { SetWatchesRequest } from '../../../lib/model/request.js'
import type { WatchEvent } from '../../../lib/model/watch-event.js'
import type { VirtualPeer } from '../../../lib/testing/virtual/virtual-peer.js'
import { HostScript } from './host-script.js'
import { tell } from './planted.js'
import { attachRaw } from './raw-client.js'

/** Logs are let go at once: who was away comes back to a snapshot, and its clients attach anew. */
const shortLogs = { checkpointLogBytes: 1024, logBytesKept: 0, logEntriesKept: 0 }

interface Away {
  readonly script: HostScript
  /** A follower, and a client of it with that chroot. */
  readonly cut: VirtualPeer
  readonly watcher: Client<string>
  /** At the other follower. */
  readonly writer: Client<string>
  /** What the watcher told its peer when it attached anew. */
  readonly greetings: SetWatchesRequest[]
}

async function begin(chroot = '/'): Promise<Away> {
  const script = new HostScript({ peer: shortLogs })
  await script.start()
  const [cut, other] = script.others as [VirtualPeer, VirtualPeer]
  const watcher = await script.client(cut, { chroot })
  const writer = await script.client(other)
  const greetings: SetWatchesRequest[] = []
  script.listen((peer, input) => {
    if (peer === cut.id && input.kind === 'request' && input.request.kind === 'setWatches')
      greetings.push(input.request)
  })
  return { script, cut, watcher, writer, greetings }
}

/** Cut off, for less than a session lasts; meanwhile there is work, and then its log is let go of. Ends when its client is back. */
async function away({ script, cut, writer, greetings }: Away, work: () => Promise<unknown>): Promise<void> {
  const { network } = script.ensemble
  for (const { id } of script.peers) if (id !== cut.id) network.reset(cut.id, id, 0)
  script.isolate(cut)
  await script.until('it is cut off', () => !cut.opened!.status.serving)
  await script.of(work())
  let snapshots = 0
  script.listen((peer, input) => {
    if (peer === cut.id && input.kind === 'snapshotInstalled') snapshots += 1
  })
  for (let n = 0; n < 30; n++) {
    await script.of(writer.create('/filler', `${n}`.padEnd(200)))
    await script.of(writer.delete('/filler'))
  }
  script.heal()
  await script.until('its client is back', () => greetings.length > 0)
  await script.serving()
  expect(snapshots, 'snapshots that it came back to').to.equal(1)
}

async function end({ script, watcher, writer }: Away): Promise<void> {
  await script.of(Promise.all([watcher.close(), writer.close()]))
  await script.end()
}

describe('scripted: watches', () => {
  tell('ZOOKEEPER-706: watches too many for one message are told again in several, and all stand (W4)', async () => {
    const story = await begin()
    const { script, watcher, writer, greetings } = story
    const paths = Array.from({ length: 1000 }, (_, n) => `/${'long'.repeat(100)}-${n}`)
    const told = new Map<string, ZnodeEvent[]>()
    for (const path of paths) {
      told.set(path, [])
      watcher.events$(path).subscribe(event => told.get(path)!.push(event))
    }
    // A call behind all of them.
    await script.of(watcher.exists('/'))
    await away(story, async () => undefined)
    const sizes = greetings.map(({ persistent }) => persistent.join('').length)
    expect(sizes, 'messages').to.have.length.greaterThan(2)
    expect(Math.max(...sizes)).to.be.at.most(128 * 1024)
    expect(greetings.flatMap(({ persistent }) => persistent).sort()).to.deep.equal([...paths].sort())
    const some = paths.filter((_, n) => n % 50 === 0)
    for (const path of some) await script.of(writer.create(path, path))
    const heard = () => some.every(path => told.get(path)!.at(-1)?.type === 'created')
    await script.until('each is told', heard, 1000)
    await end(story)
  }, ['watches are lost when a client attaches again'])

  tell('ZOOKEEPER-1667: with a chroot, too, watches stand again after a reconnect, and tell what is theirs (W4, W5)', async () => {
    const story = await begin('/app')
    const { script, watcher, writer, greetings } = story
    await script.of(writer.create('/app', ''))
    await script.of(writer.create('/app/n', '1'))
    await script.of(writer.create('/n', 'of others'))
    const values: (string | undefined)[] = []
    const children: string[][] = []
    const events: string[] = []
    watcher.data$('/n').subscribe(state => {
      if (!state.stale) values.push(state.value)
    })
    watcher.children$('/').subscribe(state => {
      if (!state.stale && state.exists) children.push([...state.children])
    })
    watcher.events$('/n').subscribe(({ type, path }) => events.push(`${type} ${path}`))
    await script.until('it is read', () => values.length === 1 && children.length === 1)
    await away(story, async () => {
      await writer.set('/app/n', '2')
      await writer.create('/app/m', '')
      await writer.set('/n', 'nobody asked')
    })
    expect(greetings.flatMap(({ persistent }) => persistent).sort()).to.deep.equal(['/app', '/app/n'])
    await script.until('what was missed is seen', () => values.at(-1) === '2' && children.length > 1)
    await script.of(writer.set('/n', 'nor here'))
    await script.of(writer.set('/app/n', '3'))
    await script.until('it is told', () => values.at(-1) === '3')
    expect(values.filter((value, index) => value !== values[index - 1])).to.deep.equal(['1', '2', '3'])
    expect(children.at(-1)).to.deep.equal(['m', 'n'])
    expect(events).to.deep.equal(['gap /n', 'dataChanged /n'])
    await end(story)
  }, ['watches are lost when a client attaches again', 'a stream reads once and no more'])

  tell('etcd-18089, etcd-19179: a deletion is not missed when the history of it is gone (W4)', async () => {
    const story = await begin()
    const { script, cut, watcher, writer } = story
    await script.of(writer.create('/x', 'here'))
    const exists: boolean[] = []
    const events: string[] = []
    watcher.exists$('/x').subscribe(state => exists.push(state.exists))
    watcher.events$('/x').subscribe(({ type }) => events.push(type))
    const told: WatchEvent[] = []
    const oneShot = attachRaw(cut, event => told.push(event))
    await script.of(oneShot.ask({ kind: 'getData', path: '/x', watch: true }))
    const since = cut.host!.core.replica.zxid
    await script.until('it is read', () => exists.length === 1)
    await away(story, () => writer.delete('/x'))
    await script.until('it is gone', () => exists.at(-1) === false)
    expect(events, 'what happened in between is not known').to.deep.equal(['gap'])
    // A one-shot watch that is told again says so, with no event in any log.
    const again = attachRaw(cut, event => told.push(event), oneShot.session)
    const lists = { exist: [], child: [], persistent: [], persistentRecursive: [] }
    await script.of(again.ask({ kind: 'setWatches', since, data: ['/x'], ...lists }))
    expect(told.map(({ type, path }) => `${type} ${path}`)).to.deep.equal(['deleted /x'])
    await script.of(again.ask({ kind: 'closeSession' }))
    await end(story)
  }, ['watches are lost when a client attaches again', 'watches are not set again after a reconnect'])

  tell('etcd-15271: what a watch says never goes back in time when a partition heals (W2)', async () => {
    const script = new HostScript()
    await script.start()
    const { leader } = script
    const [watcher, writer] = [await script.client(leader), await script.client(script.others[0]!)]
    await script.of(writer.create('/n', '0'))
    const zxids: bigint[] = []
    const values: number[] = []
    watcher.events$('/n').subscribe(({ zxid }) => zxid !== undefined && zxids.push(zxid))
    watcher.data$('/n').subscribe(({ value }) => values.push(Number(value)))
    for (let n = 1; n <= 5; n++) await script.of(writer.set('/n', String(n)))
    await script.until('it has seen them', () => values.at(-1) === 5)
    script.isolate(leader)
    // The rest leads on; what the former leader is asked now stays with it.
    const stranded = watcher.set('/n', '-1').catch((error: { code: string }) => error.code)
    const leads = (peer: VirtualPeer): boolean => peer !== leader && peer.opened!.status.role === 'leading'
    await script.until('another leads', () => script.peers.some(leads))
    for (let n = 6; n <= 10; n++) await script.of(writer.set('/n', String(n)))
    expect(values.at(-1), 'the other side of the partition').to.equal(5)
    script.heal()
    await script.serving()
    await script.until('it has seen all', () => values.at(-1) === 10 || values.at(-1) === -1)
    await script.of(stranded)
    await script.pass(1000)
    expect([...zxids].sort((a, b) => (a < b ? -1 : 1))).to.deep.equal(zxids)
    expect(new Set(zxids).size).to.equal(zxids.length)
    const rising = values.filter((value, index) => value !== values[index - 1] && value !== -1)
    expect(rising).to.deep.equal([...rising].sort((a, b) => a - b))
    await script.end()
  }, ['an event is lost on its way to the observers now and then', 'what is durable here counts as committed'])
})
