/**
 * One member of the ensemble, a process of its own: a peer with its data on disk, a session, an ephemeral znode that says it is here, and
 * the configuration as an observable. The leader also keeps the configuration in step with the folder.
 *
 * Run by main.ts: node member.js <id> <options as JSON>
 */
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { type Client, json, Peer } from 'vivarium'
import { tcp } from 'vivarium/transports/tcp'
import { ConfigFolder } from './config-folder.js'
import { describeChanges } from './json-changes.js'
import type { JobOptions } from './options.js'
import { type FromMember, MEMBER_IDS, type ToMember } from './protocol.js'

const RETRY_MS = 500
const id = Number(process.argv[2])
const { dataDir, basePort, configDir } = JSON.parse(process.argv[3]!) as JobOptions
const tell = (message: FromMember) => process.connected && process.send?.(message)
const say = (text: string) => tell({ kind: 'line', text })

const leaving = new AbortController()
let peer: Peer | undefined
let session: Promise<void> = Promise.resolve()

// Ctrl-C reaches the whole group: the supervisor decides. Without a supervisor there is nobody to stay for.
process.on('SIGINT', () => {})
process.on('disconnect', () => void end())
process.on('message', (message: ToMember) => {
  if (message.kind === 'leave') void leave().then(() => tell({ kind: 'left' }))
  else void end()
})
const begun = begin()

async function begin(): Promise<void> {
  try {
    peer = await Peer.open({
      id,
      dataDir: join(dataDir, String(id)),
      transport: tcp({ port: basePort + id }),
      members: Object.fromEntries(MEMBER_IDS.map(member => [member, `tcp://127.0.0.1:${basePort + member}`])),
    })
  } catch (error) {
    say(`cannot open: ${(error as Error).message}`)
    process.exitCode = 1
    return process.disconnect()
  }
  const opened = peer
  const report = () => tell({ kind: 'status', status: statusOf(opened) })
  const reporter = setInterval(report, 250)
  peer.status$.subscribe({ next: report, complete: () => clearInterval(reporter) })
  if (!leaving.signal.aborted) session = live(opened)
}

/** One session after the other: a process that was away too long finds its session expired and opens another. */
async function live(peer: Peer): Promise<void> {
  while (!leaving.signal.aborted) {
    try {
      await liveOnce(peer)
    } catch (error) {
      if (!leaving.signal.aborted) say(`session over: ${(error as Error).message}`)
    }
    if (peer.status.state !== 'running') return
    await setTimeout(RETRY_MS, undefined, { signal: leaving.signal }).catch(() => {})
  }
}

/** Until the session expires (rejects) or this member leaves (resolves). */
async function liveOnce(peer: Peer): Promise<void> {
  const { signal } = leaving
  const zk = await peer.client({ codec: json, sessionTimeoutMs: 4000, timeout: 60_000, signal })
  const folder = new ConfigFolder(zk, configDir, '/config', say)
  const leaders = peer.leader$.subscribe(leader => {
    if (leader === id) folder.start()
    else void folder.stop()
  })
  try {
    // The session's id is in the name: the znode of a former session may still be there for a while.
    const name = `${id}@${zk.session.id.toString(16)}`
    await zk.create(`/members/${name}`, { pid: process.pid }, { ephemeral: true, parents: true, signal })
    await new Promise<void>((resolve, reject) => {
      signal.addEventListener('abort', () => resolve())
      if (signal.aborted) resolve()
      showMembers(zk, reject)
      showConfiguration(zk, reject)
    })
  } finally {
    leaders.unsubscribe()
    await folder.stop()
    await zk.close()
  }
}

function showMembers(zk: Client<unknown>, failed: (error: Error) => void): void {
  let told = ''
  zk.children$('/members').subscribe({
    next: ({ children, stale }) => {
      // A member that was killed and is back is there twice until its former session expires.
      const members = [...new Set(children.map(name => name.split('@')[0]))].join(', ')
      if (stale || members === told) return
      told = members
      say(`members: ${members}`)
    },
    error: failed,
  })
}

function showConfiguration(zk: Client<unknown>, failed: (error: Error) => void): void {
  const seen = new Map<string, { readonly mzxid: bigint; readonly value: unknown }>()
  let loaded = false
  zk.subtree$('/config').subscribe({
    next: ({ znodes, zxid, stale }) => {
      if (stale) return
      const now = Date.now()
      for (const [path, { value, stat }] of znodes) {
        const before = seen.get(path)
        if (before?.mzxid === stat.mzxid) continue
        seen.set(path, { mzxid: stat.mzxid, value })
        if (!loaded || value === undefined) continue
        say(
          `${path}: ${describeChanges(before?.value, value)}  zxid ${hexadecimal(stat.mzxid)}, ${now - stat.mtime} ms after it was proposed`,
        )
      }
      for (const path of seen.keys()) {
        if (znodes.has(path)) continue
        seen.delete(path)
        say(`${path}: deleted  zxid ${hexadecimal(zxid)}`)
      }
      if (!loaded && seen.size > 0) {
        loaded = true
        say(`configuration: ${[...seen.values()].filter(({ value }) => value !== undefined).length} values`)
      }
    },
    error: failed,
  })
}

function statusOf({ status }: Peer) {
  const { role, leader, epoch, serving, applied } = status
  return { role, leader, epoch, serving, zxid: hexadecimal(applied), counter: Number(applied & 0xffffffffn) }
}

async function leave(): Promise<void> {
  leaving.abort()
  await session
}

async function end(): Promise<void> {
  await leave()
  await begun // told to end while it opens: what is not open yet cannot be closed
  await peer?.close()
  if (process.connected) process.disconnect()
}

function hexadecimal(zxid: bigint): string {
  return `0x${zxid.toString(16)}`
}
