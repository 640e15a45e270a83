/**
 * What clients were told, held against each other without looking at any replica: the order of acknowledged writes is that of real time; no commit
 * of an older leader for who began under a newer one; no confirmed read of an older state. Can be asked at any time.
 * Before: ledger.ts has it all. After: verify.ts asks again with the places that the log gives.
 */
import type { Established } from './cluster.js'
import type { Ledger } from './ledger.js'
import type { Written } from './protocol.js'

/** An acknowledged write and its place in the one history. */
export interface Placed {
  readonly write: Pick<Written, 'token' | 'session' | 'operation' | 'startedAt' | 'endedAt'>
  readonly zxid: bigint
}

/** In the order of zxids: nobody who had finished comes behind someone who began later; each writer's bursts follow each other. */
export function checkOrder(placed: readonly Placed[], ledger: Ledger): void {
  let latest: Placed['write'] | undefined
  const lastOf = new Map<bigint, number>()
  for (const { write } of placed) {
    if (latest !== undefined && write.endedAt < latest.startedAt) {
      ledger.violation(`${write.token} was acknowledged before ${latest.token} began, but comes after it`)
    }
    if (latest === undefined || write.startedAt > latest.startedAt) latest = write
    // One session is one FIFO. A cas begins with a read: it takes its place only then.
    if (write.operation === 'cas' || write.operation === 'delete') continue
    const count = Number(write.token.split('.')[2])
    if (count < (lastOf.get(write.session) ?? 0))
      ledger.violation(`${write.token} overtook a later write of its session`)
    lastOf.set(write.session, count)
  }
}

/** What the answers themselves tell, without any disk: at any time. */
export function checkAnswers(established: readonly Established[], ledger: Ledger): void {
  const placed = ledger.writes.flatMap(write =>
    write.outcome === 'ok' && write.zxid !== undefined ? [{ write, zxid: write.zxid }] : [],
  )
  checkEpochs(placed, established, ledger)
  checkConfirmedReads(placed, ledger)
}

/** Once a leader is established, no older one gives a commit to a write that begins then. */
export function checkEpochs(placed: readonly Placed[], established: readonly Established[], ledger: Ledger): void {
  for (const { write, zxid } of placed) {
    const epoch = Number(zxid >> 32n)
    const newer = established.find(each => each.epoch > epoch && each.at < write.startedAt)
    if (newer === undefined) continue
    ledger.violation(
      `${write.token} was acknowledged in epoch ${epoch}, but began when member ${newer.leader} led epoch ${newer.epoch} already`,
    )
  }
}

/** A read behind a sync sees every write that had been acknowledged when the sync began. */
export function checkConfirmedReads(placed: readonly Placed[], ledger: Ledger): void {
  const byEnd = placed.toSorted((a, b) => (a.write.endedAt < b.write.endedAt ? -1 : 1))
  const reads = ledger.confirmedReads.toSorted((a, b) => (a.startedAt < b.startedAt ? -1 : 1))
  let next = 0
  let latest: Placed | undefined
  for (const read of reads) {
    for (; byEnd[next] !== undefined && byEnd[next]!.write.endedAt < read.startedAt; next++) {
      if (latest === undefined || byEnd[next]!.zxid > latest.zxid) latest = byEnd[next]!
    }
    if (latest === undefined || latest.zxid <= read.zxid) continue
    const missing = `${latest.write.token} (0x${latest.zxid.toString(16)})`
    ledger.violation(
      `a sync of member ${read.member} was answered at 0x${read.zxid.toString(16)}, but ${missing} had been acknowledged before it`,
    )
  }
  checkVersionsRead(ledger, reads)
}

function checkVersionsRead(ledger: Ledger, reads: Ledger['confirmedReads']): void {
  const byEnd = ledger.writes
    .filter(({ outcome, version }) => outcome === 'ok' && version !== undefined)
    .sort((a, b) => (a.endedAt < b.endedAt ? -1 : 1))
  const versions = new Map<string, number>()
  let next = 0
  for (const { startedAt, member, path, version } of reads) {
    for (; byEnd[next] !== undefined && byEnd[next]!.endedAt < startedAt; next++) {
      const write = byEnd[next]!
      const target = targetOf(write)
      versions.set(target, Math.max(versions.get(target) ?? 0, write.version!))
    }
    const least = versions.get(path) ?? 0
    if (version < least)
      ledger.violation(
        `member ${member} read version ${version} of ${path} behind a sync, but version ${least} was acknowledged`,
      )
  }
}

/** The znode whose version a write has raised. */
export function targetOf({ operation, writer, path }: Written): string {
  return operation === 'multi' ? `/w/${writer}/counter` : path!
}
