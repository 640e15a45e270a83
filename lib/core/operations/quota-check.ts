/**
 * Whether a write would exceed the quota above it. A hard limit refuses where the leader's `enforceQuota` says so; a soft one is only told of, and
 * not looked at beside a hard one. Checked against what is applied: writes on their way together may overshoot, as in ZooKeeper.
 * Used by create.ts and set-data.ts on the leader. ZooKeeper: ZooKeeperServer.checkQuota.
 */
import type { PrepareContext } from './operation.js'

/** True when the write is to be refused with QUOTA_EXCEEDED. */
export function exceedsQuota(path: string, znodes: number, bytes: number, context: PrepareContext): boolean {
  const { quotas, limits } = context
  const quota = quotas.deepest(path)
  const allowed = quota === undefined ? undefined : quotas.limits(quota)
  const used = quota === undefined ? undefined : quotas.statistics(quota)
  if (allowed === undefined || used === undefined) return false
  const over = (what: string, more: number, now: number, soft: number, hard: number): boolean => {
    const most = hard >= 0 ? hard : soft
    if (more === 0 || most < 0 || now + more <= most) return false
    context.report(`quota of ${quota}: ${now + more} ${what}, ${hard >= 0 ? 'hard' : 'soft'} limit ${most}`)
    return hard >= 0 && limits.enforceQuota
  }
  return (
    over('znodes', znodes, used.count, allowed.count, allowed.countHardLimit) ||
    over('bytes', bytes, used.bytes, allowed.bytes, allowed.byteHardLimit)
  )
}
