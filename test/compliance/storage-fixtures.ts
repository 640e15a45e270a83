/** What the storage tests write: short proposals, znodes and sessions whose contents follow from a number. */

import { OPEN_ACL_UNSAFE } from '../../lib/model/acl.js'
import type { Digest } from '../../lib/model/digest.js'
import type { SessionId } from '../../lib/model/ids.js'
import type { Proposal } from '../../lib/model/proposal.js'
import type { ReplicaChanges, ReplicaImage } from '../../lib/model/replica-image.js'
import type { SessionRecord } from '../../lib/model/session-record.js'
import type { Znode } from '../../lib/model/znode.js'
import { bytesOfData } from '../../lib/model/znode-data.js'
import { ZERO, type Zxid, zxid } from '../../lib/model/zxid.js'
import type { Storage } from '../../lib/storage/storage.js'

const SESSION = '0100000000000001' as SessionId

export function proposal(at: Zxid, previous: Zxid, bytes = 20): Proposal {
  const data = new Uint8Array(bytes).fill(at.counter & 0xff)
  return {
    zxid: at,
    previous,
    session: SESSION,
    cxid: at.counter,
    time: 1_700_000_000_000 + at.counter,
    txn: { kind: 'setData', path: `/n${at.counter}`, data, version: at.counter, replaces: previous },
  }
}

/** `count` proposals of `epoch` that follow `previous`. */
export function proposals(previous: Zxid, epoch: number, count: number, bytes?: number): Proposal[] {
  const made: Proposal[] = []
  let before = previous
  for (let i = 0; i < count; i++) {
    const at = zxid(epoch, before.epoch === epoch ? before.counter + 1 : 1)
    made.push(proposal(at, before, bytes))
    before = at
  }
  return made
}

export function znode(n: number, bytes = 10): Znode {
  return {
    data: bytes === 0 ? null : new Uint8Array(bytes).fill(n & 0xff),
    acl: OPEN_ACL_UNSAFE,
    czxid: zxid(1, n),
    mzxid: zxid(1, n + 1),
    pzxid: zxid(1, n + 2),
    ctime: 1_700_000_000_000 + n,
    mtime: 1_700_000_000_001 + n,
    version: n,
    cversion: 2 * n,
    aversion: 3,
    owner: n % 5 === 0 ? SESSION : undefined,
  }
}

export function sessionRecord(n: number): SessionRecord {
  const session = n.toString(16).padStart(16, '0') as SessionId
  return { session, timeoutMs: 1000 + n, password: new Uint8Array(16).fill(n) }
}

export function digestOf(n: number): Digest {
  return { high: n, low: 0xfffffff0 + (n & 0xf) }
}

export function changes(
  at: Zxid,
  nodes: Iterable<readonly [string, Znode | undefined]>,
  sessions: Iterable<readonly [SessionId, SessionRecord | undefined]> = [],
): ReplicaChanges {
  const time = 1_700_000_000_000 + at.counter
  return { zxid: at, time, digest: digestOf(at.counter), nodes: new Map(nodes), sessions: new Map(sessions) }
}

/** An image as values that compare, in a fixed order. */
export function contents(image: ReplicaImage) {
  return {
    zxid: image.zxid,
    time: image.time,
    digest: image.digest,
    nodes: [...image.nodes].map(([path, node]) => [path, plainZnode(node)] as const).sort(byFirst),
    sessions: [...image.sessions]
      .map(s => [s.session, s.timeoutMs, Buffer.from(s.password).toString('hex')])
      .sort(byFirst),
  }
}

export function plainZnode(node: Znode) {
  const { data, czxid, mzxid, pzxid, ctime, mtime, version, cversion, aversion, owner } = node
  return {
    ...{ czxid, mzxid, pzxid, ctime, mtime, version, cversion, aversion, owner },
    data: data === null ? null : Buffer.from(bytesOfData(data)!).toString('hex'),
    acl: node.acl.map(e => ({ ...e })),
  }
}

/** Proposals as values that compare, with or without a record filled in. */
export function plain(entries: readonly Proposal[]) {
  return entries.map(({ zxid, previous, session, cxid, time, txn }) => {
    const { kind, path, data, version, replaces } = txn as Extract<Proposal['txn'], { kind: 'setData' }>
    const hex = data === null ? null : Buffer.from(data).toString('hex')
    return {
      zxid: { ...zxid },
      previous: { ...previous },
      session,
      cxid,
      time,
      kind,
      path,
      hex,
      version,
      replaces: { ...replaces },
    }
  })
}

export async function history(storage: Storage, after: Zxid = ZERO): Promise<Proposal[]> {
  const all: Proposal[] = []
  for await (const batch of storage.readHistory(after)) all.push(...batch)
  return all
}

export async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work
  } catch (error) {
    return (error as { code?: string }).code ?? (error as Error).name
  }
  return 'resolved'
}

function byFirst(a: readonly unknown[], b: readonly unknown[]): number {
  return String(a[0]) < String(b[0]) ? -1 : 1
}
