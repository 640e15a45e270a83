/**
 * One member of the ensemble under test, a process of its own: a peer over TCP with its data on disk, and the writers and observers that
 * live in it. It never ends by itself: the parent kills it.
 *
 * Run by cluster.ts: member.ts <MemberConfig as JSON>
 */
import { Peer } from '../../lib/compose.js'
import type { PeerId } from '../../lib/model/ids.js'
import { LevelStorage } from '../../lib/storage/level/level-storage.js'
import { tcp } from '../../transports/tcp/index.js'
import { Observers } from './observers.js'
import { plantInProcess, tapped } from './planted-bugs.js'
import { type FromMember, type MemberConfig, TICK_MS, type ToMember } from './protocol.js'
import { Writer } from './writer.js'

const config = JSON.parse(process.argv[2]!) as MemberConfig
const { id, dataDir, addresses, listen, pace, checkpointLogBytes, logBytesKept, plant } = config
/** Resolves when the message is in the hands of the operating system, which keeps it when this process is killed. */
const tell = (message: FromMember): Promise<void> =>
  new Promise(resolve =>
    process.connected ? process.send!(message, undefined, undefined, () => resolve()) : resolve(),
  )

// The parent is gone: nobody will ask for this process again.
process.on('disconnect', () => process.exit(1))

plantInProcess(plant)
const store = new LevelStorage({ dataDir, ensemble: 'crash', peer: id as PeerId, logBytesKept })
const peer = await Peer.open({
  id,
  ensemble: 'crash',
  storage: tapped(store, plant, call => {
    if (call === 'installSnapshot') void tell({ kind: 'synchronized', by: 'snapshot' })
    else if (call === 'truncate') void tell({ kind: 'synchronized', by: 'truncation' })
  }),
  transport: tcp(listen),
  members: Object.fromEntries(addresses.map((address, index) => [index + 1, address])),
  checkpointLogBytes,
  tickMs: TICK_MS,
  sessionTimeoutMinMs: 1000,
  sessionTimeoutMaxMs: 60_000,
})
peer.status$.subscribe(({ role, epoch, serving, state, error, members }) => {
  const troubles = members.flatMap(member => (member.trouble === undefined ? [] : [`${member.id}: ${member.trouble}`]))
  void tell({ kind: 'status', role, epoch, serving, troubles, at: process.hrtime.bigint() })
  if (state === 'failed') void tell({ kind: 'violation', what: `member ${id} has failed: ${error?.message}` })
})

const observers = pace.observe ? new Observers(peer, config, tell) : undefined
const writers = config.writers.map(number => new Writer(peer, number, config, tell))
for (const writer of writers) void writer.run()

process.on('message', async (message: ToMember) => {
  if (message.kind === 'pause') {
    const sessions = await Promise.all(
      writers.map(async writer => ({ writer: writer.number, session: await writer.pause() })),
    )
    await tell({ kind: 'paused', sessions })
  } else if (message.kind === 'resume') for (const writer of writers) writer.resume()
  else if (message.kind === 'beat') await observers?.beat(message.beat)
  else {
    const ephemerals: { path: string; owner: bigint }[] = []
    for (const name of peer.view.children('/eph') ?? []) {
      const path = `/eph/${name}`
      ephemerals.push({ path, owner: peer.view.get(path)!.stat.ephemeralOwner })
    }
    const unseen = observers?.unseen() ?? []
    await tell({ kind: 'state', zxid: peer.view.zxid, digest: peer.view.digest, ephemerals, unseen })
  }
})
