/**
 * Keeps a txn small, whatever its client is: an entry `auth` stands for all of its identities, and a short request could have many such entries (R2).
 * Used by create.ts and set-acl.ts; multi.ts has one budget for all steps.
 */
import type { Acl } from '../../model/acl.js'
import { ACL_GROWTH_MAX, aclGrowth } from '../../model/request-check.js'
import type { PreparationLimits } from './operation.js'

export function growsTooMuch(given: Acl, stored: Acl, { aclGrowthMax = ACL_GROWTH_MAX }: PreparationLimits): boolean {
  return aclGrowth(given, stored) > aclGrowthMax
}
