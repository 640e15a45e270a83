/** Watches and observables over partitions, and over members that come back to snapshots (ZOOKEEPER-706, 1667; etcd-15271, 18089, 19179). */
import type { Client, ZnodeEvent } from '../../../lib/index.js'
import type { SetWatchesRequest } from '../../../lib/model/request.js'
import type { WatchEvent } from '../../../lib/model/watch-event.js'
import type { VirtualPeer } from '../../../lib/testing/virtual/virtual-peer.js'
import { HostScript } from './host-script.js'
import { mutant, plays } from './played.js'
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
  const script = await HostScript.begin({ peer: shortLogs })
  const [cut, other] = script.followers
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
async function away({ script, cut, writer }: Away, work: () => Promise<unknown>): Promise<void> {
  const { network } = script.ensemble
  for (const { id } of script.peers) if (id !== cut.id) network.reset(cut.id, id, 0)
  script.isolate(cut)
  await script.until('it is cut off', () => !cut.opened!.status.serving)
  await script.of(work())
  let [snapshots, attached] = [0, 0]
  script.listen((peer, input, effects) => {
    if (peer !== cut.id) return
    if (input.kind === 'snapshotInstalled') snapshots += 1
    attached += effects.filter(({ kind }) => kind === 'attached').length
  })
  for (let n = 0; n < 30; n++) {
    await script.of(writer.create('/filler', `${n}`.padEnd(200)))
    await script.of(writer.delete('/filler'))
  }
  script.heal()
  await script.until('its client is back', () => attached > 0)
  await script.serving()
  script.reached('it came back to a snapshot', snapshots === 1)
}

async function end({ script, watcher, writer }: Away): Promise<void> {
  await script.of(Promise.all([watcher.close(), writer.close()]))
  await script.end()
}

describe('watches', () => {
  plays(
    'ZOOKEEPER-706: watches too many for one message are told again in several, and all stand (W4)',
    async () => {
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
      script.demand('W4', `none is too long: ${sizes}`, Math.max(...sizes) <= 128 * 1024)
      script.equal('W4', 'paths', greetings.flatMap(({ persistent }) => persistent).sort(), [...paths].sort())
      script.reached('it takes several messages', sizes.length > 2)
      const some = paths.filter((_, n) => n % 50 === 0)
      for (const path of some) await script.of(writer.create(path, path))
      const heard = () => some.every(path => told.get(path)!.at(-1)?.type === 'created')
      await script.soon('W4', 'each is told', heard, 1000)
      await end(story)
    },
    mutant('watches are lost when a client attaches again', 'W4'),
  )

  plays(
    'ZOOKEEPER-1667: with a chroot, too, watches stand again after a reconnect, and tell what is theirs (W4, W5)',
    async () => {
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
      script.equal('W4', 'paths', greetings.flatMap(({ persistent }) => persistent).sort(), ['/app', '/app/n'])
      await script.soon('W10', 'what was missed is seen', () => values.at(-1) === '2' && children.length > 1)
      await script.of(writer.set('/n', 'nor here'))
      await script.of(writer.set('/app/n', '3'))
      await script.soon('W10', 'it is told', () => values.at(-1) === '3')
      const different = values.filter((value, index) => value !== values[index - 1])
      script.equal('W10', 'values', different, ['1', '2', '3'])
      script.equal('W10', 'children', children.at(-1), ['m', 'n'])
      script.equal('W5', 'events', events, ['gap /n', 'dataChanged /n'])
      await end(story)
    },
    mutant('watches are lost when a client attaches again', 'W4', 'W10'),
    mutant('a stream reads once and no more'),
  )

  plays(
    'etcd-18089, etcd-19179: a deletion is not missed when the history of it is gone (W4)',
    async () => {
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
      await script.soon('W10', 'it is gone', () => exists.at(-1) === false)
      script.equal('W4', 'what happened in between is not known', events, ['gap'])
      // A one-shot watch that is told again says so, with no event in any log.
      const again = attachRaw(cut, event => told.push(event), oneShot.session)
      const lists = { exist: [], child: [], persistent: [], persistentRecursive: [] }
      await script.of(again.ask({ kind: 'setWatches', since, data: ['/x'], ...lists }))
      const what = told.map(({ type, path }) => `${type} ${path}`)
      script.equal('W4', 'what a one-shot watch is told', what, ['deleted /x'])
      // And the stream hears of the next one.
      await script.of(writer.create('/x', 'again'))
      await script.soon('W4', 'it is told', () => exists.at(-1) === true && events.at(-1) === 'created')
      await script.of(again.ask({ kind: 'closeSession' }))
      await end(story)
    },
    mutant('watches are lost when a client attaches again', 'W4', 'W10'),
    mutant('watches are not set again after a reconnect'),
  )

  plays(
    'etcd-15271: what a watch says never goes back in time when a partition heals (W2)',
    async () => {
      const script = await HostScript.begin()
      const { leader } = script
      const [watcher, writer] = [await script.client(leader), await script.client(script.others[0]!)]
      await script.of(writer.create('/n', '0'))
      const zxids: bigint[] = []
      const values: number[] = []
      watcher.events$('/n').subscribe(({ zxid }) => zxid !== undefined && zxids.push(zxid))
      watcher.data$('/n').subscribe(({ value }) => values.push(Number(value)))
      for (let n = 1; n <= 5; n++) await script.of(writer.set('/n', String(n)))
      await script.soon('W10', 'it has seen them', () => values.at(-1) === 5)
      script.isolate(leader)
      // The rest leads on; what the former leader is asked now stays with it.
      const stranded = watcher.set('/n', '-1').catch((error: { code: string }) => error.code)
      const leads = (peer: VirtualPeer): boolean => peer !== leader && peer.opened!.status.role === 'leading'
      await script.until('another leads', () => script.peers.some(leads))
      for (let n = 6; n <= 10; n++) await script.of(writer.set('/n', String(n)))
      script.reached('the other side of the partition is not heard', values.at(-1) === 5)
      script.heal()
      await script.serving()
      await script.soon('W10', 'it has seen all', () => values.at(-1) === 10 || values.at(-1) === -1)
      await script.of(stranded)
      await script.pass(1000)
      script.demand(
        'W2',
        `events in order: ${zxids}`,
        zxids.every((zxid, index) => index === 0 || zxid > zxids[index - 1]!),
      )
      const rising = values.filter((value, index) => value !== values[index - 1] && value !== -1)
      script.equal(
        'W10',
        'values',
        rising,
        [...rising].sort((a, b) => a - b),
      )
      await script.end()
    },
    mutant('an event is lost on its way to the observers now and then'),
    mutant('what is durable here counts as committed'),
  )
})
