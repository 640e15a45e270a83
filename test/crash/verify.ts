/**
 * What the disks of the killed members hold, against what was acknowledged. Reads each data directory with the product's own store and
 * applies the log with the product's own rules; then a second, naive tree is built from the log alone and compared.
 *
 * Checked: equal digests at the zxid at which the live members were equal; one history; every acknowledged write in the tree, and in
 * the log as far as the log reaches, exactly once; none that was refused or not applied; per writer and in real time the order of
 * zxids is that of the answers; versions without a gap or a fork; no commit of an older leader for who began under a newer one; no
 * confirmed read of an older state; nothing of a session behind its end.
 */
import { applyTxn } from '../../lib/core/operations/apply-txn.js'
import { Replica } from '../../lib/core/replica.js'
import { formatDigest } from '../../lib/model/digest.js'
import type { PeerId } from '../../lib/model/ids.js'
import type { Proposal } from '../../lib/model/proposal.js'
import type { StepTxn } from '../../lib/model/txn.js'
import { bytesOfData } from '../../lib/model/znode-data.js'
import { formatZxid, sameZxid, zxidToBigint } from '../../lib/model/zxid.js'
import { LevelStorage } from '../../lib/storage/level/level-storage.js'
import { checkConfirmedReads, checkEpochs, checkOrder, type Placed, targetOf } from './answers.js'
import type { Established } from './cluster.js'
import type { Ledger } from './ledger.js'
import type { Written } from './protocol.js'

export interface Verified {
  readonly znodes: number
  readonly transactions: number
  /** Acknowledged writes that were found in the log. */
  readonly foundInLog: number
}

interface Disk {
  readonly member: number
  readonly replica: Replica
  readonly base: bigint
  readonly log: readonly Proposal[]
}

/** `zxid` and `digest` are those of the live members when they were paused. */
export async function verifyDisks(
  dataDirs: readonly string[],
  live: { readonly zxid: bigint; readonly digest: bigint },
  established: readonly Established[],
  ledger: Ledger,
): Promise<Verified> {
  const disks: Disk[] = []
  for (const [index, dataDir] of dataDirs.entries()) disks.push(await readDisk(index + 1, dataDir, live.zxid))
  for (const { member, replica } of disks) {
    // A checkpoint of what came between the last look at the living and their end: rare, and the others tell.
    if (zxidToBigint(replica.zxid) > live.zxid) continue
    const digest = BigInt(`0x${formatDigest(replica.digest)}`)
    if (zxidToBigint(replica.zxid) !== live.zxid || digest !== live.digest) {
      ledger.violation(
        `the disk of member ${member} holds digest ${digest.toString(16)} at ${formatZxid(replica.zxid)}, ` +
          `the members had ${live.digest.toString(16)} at 0x${live.zxid.toString(16)}`,
      )
    }
  }
  const [longest] = disks.toSorted((a, b) => (a.base < b.base ? -1 : 1))
  for (const disk of disks) compareLogs(longest!, disk, ledger)
  if (longest!.base === 0n) compareWithNaiveTree(longest!, ledger)
  checkTree(longest!.replica, ledger)
  const { placed, foundInLog } = checkLog(longest!, ledger)
  checkOrder(placed, ledger)
  checkEpochs(placed, established, ledger)
  checkConfirmedReads(placed, ledger)
  return { znodes: longest!.replica.tree.size, transactions: longest!.log.length, foundInLog }
}

/** What the disk holds up to a zxid: a session may have expired later, in the moment before the processes were killed. */
async function readDisk(member: number, dataDir: string, upTo: bigint): Promise<Disk> {
  const before = ({ zxid }: Proposal): boolean => zxidToBigint(zxid) <= upTo
  const store = new LevelStorage({ dataDir, ensemble: 'crash', peer: member as PeerId })
  try {
    const { image, suffix, history } = await store.open()
    const replica = Replica.from(image)
    for (const proposal of suffix.filter(before)) applyTxn(replica, proposal)
    const log: Proposal[] = []
    for await (const batch of store.readHistory(history.base)) log.push(...batch.filter(before))
    return { member, replica, base: zxidToBigint(history.base), log }
  } finally {
    await store.close()
  }
}

function compareLogs(longest: Disk, other: Disk, ledger: Ledger): void {
  if (longest === other) return
  const from = longest.log.findIndex(({ zxid }) => zxidToBigint(zxid) > other.base)
  const expected = from === -1 ? [] : longest.log.slice(from)
  for (let i = 0; i < Math.max(expected.length, other.log.length); i++) {
    const a = expected[i]
    const b = other.log[i]
    const same =
      a !== undefined &&
      b !== undefined &&
      sameZxid(a.zxid, b.zxid) &&
      Buffer.compare(a.record ?? Buffer.alloc(0), b.record ?? Buffer.alloc(0)) === 0
    if (same) continue
    const where = a === undefined ? 'nothing' : formatZxid(a.zxid)
    const found = b === undefined ? 'nothing' : formatZxid(b.zxid)
    ledger.violation(`the logs of members ${longest.member} and ${other.member} part: ${where} against ${found}`)
    return
  }
}

/** From path to what the log says of it, without any rule of the product but the paths. */
function compareWithNaiveTree({ log, replica }: Disk, ledger: Ledger): void {
  const naive = new Map<string, { data: Uint8Array | null; version: number; owner: string | undefined }>()
  const apply = (txn: StepTxn): void => {
    if (txn.kind === 'create') naive.set(txn.path, { data: txn.data, version: 0, owner: txn.owner })
    else if (txn.kind === 'delete') naive.delete(txn.path)
    else if (txn.kind === 'setData')
      naive.set(txn.path, { ...naive.get(txn.path)!, data: txn.data, version: txn.version })
  }
  for (const { txn } of log) {
    if (txn.kind === 'multi') txn.steps.forEach(apply)
    else if (txn.kind === 'closeSession') {
      for (const [path, { owner }] of naive) if (owner === txn.session) naive.delete(path)
    } else if (txn.kind !== 'createSession' && txn.kind !== 'setAcl') apply(txn)
  }
  for (const [path, expected] of naive) {
    const znode = replica.tree.get(path)
    const same =
      znode !== undefined &&
      znode.version === expected.version &&
      znode.owner === expected.owner &&
      Buffer.compare(bytesOfData(znode.data) ?? Buffer.alloc(0), expected.data ?? Buffer.alloc(0)) === 0
    if (!same) ledger.violation(`${path} is not what the log makes of it`)
  }
  for (const [path] of replica.tree.entries()) {
    const system = path === '/' || path === '/zookeeper' || path.startsWith('/zookeeper/')
    if (!system && !naive.has(path)) ledger.violation(`${path} is in the tree, but not in the log`)
  }
}

function checkTree(replica: Replica, ledger: Ledger): void {
  const dataOf = (path: string): string | undefined => {
    const znode = replica.tree.get(path)
    return znode === undefined ? undefined : tokenOf(bytesOfData(znode.data) ?? new Uint8Array())
  }
  const lastSet = new Map<string, Written>()
  const setOf = new Map<string, Written>()
  for (const write of ledger.writes) {
    const { operation, outcome, path, token, version } = write
    const gone = path !== undefined && ledger.deleting.has(path)
    if (outcome === 'ok') {
      const created = operation === 'create' || operation === 'multi' || operation === 'sequential'
      if (created && !gone && dataOf(path!) !== token) {
        ledger.violation(
          `acknowledged ${operation} ${path} is ${dataOf(path!) === undefined ? 'missing' : 'not its own'}`,
        )
      }
      if (operation === 'delete' && dataOf(path!) !== undefined) ledger.violation(`deleted ${path} is there again`)
      if (version === undefined) continue
      const target = targetOf(write)
      const twin = setOf.get(`${target} ${version}`)
      if (twin !== undefined) ledger.violation(`${twin.token} and ${token} both made version ${version} of ${target}`)
      setOf.set(`${target} ${version}`, write)
      if ((lastSet.get(target)?.version ?? 0) < version) lastSet.set(target, write)
    } else if (
      outcome !== 'unknown' &&
      (operation === 'create' || operation === 'multi' || operation === 'failing multi')
    ) {
      if (dataOf(path!) !== undefined) ledger.violation(`${operation} ${path} was ${outcome}, but is there`)
    }
  }
  for (const [path, { version, token }] of lastSet) {
    const znode = replica.tree.get(path)
    if (znode === undefined || znode.version < version!) {
      ledger.violation(`${path} has version ${znode?.version}, but version ${version} was acknowledged`)
    } else if (znode.version === version && dataOf(path) !== token) {
      ledger.violation(`${path} has version ${version}, but not the data ${token} that was acknowledged with it`)
    }
  }
}

function checkLog({ log, base }: Disk, ledger: Ledger): { placed: readonly Placed[]; foundInLog: number } {
  const closed = new Set<string>()
  const places = new Map<string, bigint>()
  const deletes = new Map<string, bigint>()
  for (const { txn, zxid, session } of log) {
    const place = zxidToBigint(zxid)
    const inVain = txn.kind === 'error' || (txn.kind === 'multi' && txn.steps.some(step => step.kind === 'error'))
    if (!inVain && closed.has(session))
      ledger.violation(`${txn.kind} at ${formatZxid(zxid)} is of session ${session}, which was closed before`)
    if (txn.kind === 'closeSession') closed.add(txn.session)
    const note = (found: Map<string, bigint>, token: string): void => {
      const before = found.get(token)
      if (before !== undefined && before !== place)
        ledger.violation(`${token} took effect twice, at ${formatZxid(zxid)} again`)
      found.set(token, place)
    }
    for (const step of txn.kind === 'multi' ? txn.steps : [txn]) {
      // Not of the writers.
      if ('path' in step && step.path.startsWith('/beat/')) continue
      if (step.kind === 'delete') note(deletes, step.path)
      const data = step.kind === 'create' || step.kind === 'setData' ? step.data : null
      if (data !== null && data.length > 0) note(places, tokenOf(data))
    }
  }
  const placed: Placed[] = []
  for (const write of ledger.writes) {
    const { operation, outcome, token } = write
    const found = (operation === 'delete' ? deletes : places).get(token)
    const zxid = write.zxid ?? found
    if (outcome === 'ok') {
      if (found === undefined && (base === 0n || (zxid ?? 0n) > base)) {
        ledger.violation(`acknowledged ${operation} ${token} is not in the log`)
      }
      if (found !== undefined && write.zxid !== undefined && found !== write.zxid) {
        ledger.violation(`${token} was acknowledged with another zxid than the log's`)
      }
      if (zxid !== undefined) placed.push({ write, zxid })
    } else if (outcome !== 'unknown' && found !== undefined) {
      ledger.violation(`${operation} ${token} was ${outcome}, but is in the log`)
    }
  }
  placed.sort((a, b) => (a.zxid < b.zxid ? -1 : 1))
  return { placed, foundInLog: placed.filter(({ zxid }) => zxid > base).length }
}

/** The data of a write are its token and padding. */
function tokenOf(data: Uint8Array): string {
  return Buffer.from(data).toString().trimEnd()
}
