/**
 * One member of the ensemble, a process of its own: a peer with its data on disk, a session, an ephemeral znode that says it is here, and the
 * configuration as an observable. The leader also keeps the configuration in step with the folder.
 *
 * Run by main.ts: node member.js <id> <options as JSON>
 */
import { join } from 'node:path'
import { json, Peer } from 'vivarium'
import { tcp } from 'vivarium/transports/tcp'
import { ConfigFolder } from './config-folder.js'
import type { JobOptions } from './options.js'
import { type FromMember, MEMBER_IDS, type ToMember } from './protocol.js'

const id = Number(process.argv[2])
const { dataDir, basePort, configDir } = JSON.parse(process.argv[3]!) as JobOptions
const tell = (message: FromMember) => process.connected && process.send?.(message)
const say = (text: string) => tell({ kind: 'line', text })

// Ctrl-C reaches the whole group: the supervisor decides.
process.on('SIGINT', () => {})
process.on('disconnect', () => void end())

const peer = await Peer.open({
  id,
  dataDir: join(dataDir, String(id)),
  transport: tcp({ port: basePort + id }),
  members: Object.fromEntries(MEMBER_IDS.map(member => [member, `tcp://127.0.0.1:${basePort + member}`])),
})
const reporter = setInterval(report, 250)
const statuses = peer.status$.subscribe(report)

const zk = await peer.client({ codec: json, sessionTimeoutMs: 4000, timeout: 60_000 })
await zk.create(`/members/${id}@${process.pid}`, { pid: process.pid }, { ephemeral: true, parents: true })
zk.children$('/members').subscribe(({ children, stale }) => {
  if (!stale) say(`members: ${children.map(name => name.split('@')[0]).join(', ')}`)
})
await zk.create('/config', undefined, { ifMissing: true })
const seen = new Map<string, bigint>()
zk.subtree$('/config').subscribe(({ znodes, zxid, stale }) => {
  if (stale) return
  const now = Date.now()
  const first = seen.size === 0
  let loaded = 0
  for (const [path, { value, stat }] of znodes) {
    if (seen.get(path) === stat.mzxid) continue
    seen.set(path, stat.mzxid)
    if (value === undefined) continue
    loaded += 1
    if (!first)
      say(
        `${path} = ${brief(value)}  zxid 0x${stat.mzxid.toString(16)}, seen ${now - Number(stat.mtime)} ms after it was proposed`,
      )
  }
  if (first && loaded > 0) say(`configuration: ${loaded} values, zxid 0x${zxid.toString(16)}`)
  for (const path of seen.keys()) {
    if (znodes.has(path)) continue
    seen.delete(path)
    say(`${path} deleted  zxid 0x${zxid.toString(16)}`)
  }
})

const folder = new ConfigFolder(zk, configDir, '/config', say)
const leaders = peer.leader$.subscribe(leader => {
  if (leader === id) folder.start()
  else void folder.stop()
})

process.on('message', (message: ToMember) => {
  if (message.kind === 'leave') void leave().then(() => tell({ kind: 'left' }))
  else void end()
})

function report(): void {
  const { role, leader, epoch, serving, applied } = peer.status
  tell({
    kind: 'status',
    status: { role, leader, epoch, serving, zxid: `0x${applied.toString(16)}`, counter: Number(applied & 0xffffffffn) },
  })
}

async function leave(): Promise<void> {
  leaders.unsubscribe()
  await folder.stop()
  await zk.close()
}

async function end(): Promise<void> {
  await leave()
  clearInterval(reporter)
  statuses.unsubscribe()
  await peer.close()
  if (process.connected) process.disconnect()
}

function brief(value: unknown): string {
  const text = JSON.stringify(value)
  return text.length > 60 ? `${text.slice(0, 57)}...` : text
}
