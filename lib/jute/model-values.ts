/** Single values between the records of the wire and the words of this house. Used by translate.ts and multi-records.ts. */
import type { Acl, AclEntry } from '../model/acl.js'
import { createModeFromFlag, type Lifetime } from '../model/create-mode.js'
import type { CreateRequest, SetDataRequest } from '../model/request.js'
import type { Stat } from '../model/stat.js'
import { ZERO, type Zxid } from '../model/zxid.js'
import { type AclRecord, type CreateRecord, NO_SESSION, type SetDataRecord, type StatRecord } from './records.js'

/** A flag that no znode has is refused in its turn. `lifetime` follows the opcode. */
export function createOf({ path, data, acl, flags }: CreateRecord, lifetime?: Lifetime): CreateRequest {
  const create = { kind: 'create', path, data, acl: aclOf(acl), mode: createModeFromFlag(flags) } as const
  return lifetime === undefined ? create : { ...create, lifetime }
}

/** For reads the root has a second name, the empty one, on which no watch ever fires. */
export function watchedOf({ path, watch }: { readonly path: string; readonly watch: boolean }) {
  return path === '' ? { path: '/', watch: false } : { path, watch }
}

export function rootOr(path: string): string {
  return path === '' ? '/' : path
}

/** A path that is not there is a bad one: BAD_ARGUMENTS, in its turn. */
export function setDataOf({ path, data, version }: SetDataRecord): SetDataRequest {
  return { kind: 'setData', path: path ?? '', data, version }
}

/** An id or a scheme that is not there becomes one that is none: the ACL will be refused. */
export function aclOf(acl: readonly AclRecord[]): Acl {
  return acl.map(({ perms, id }) => ({ perms, scheme: id.scheme ?? '', id: id.id ?? '' }))
}

export function aclRecord({ perms, scheme, id }: AclEntry): AclRecord {
  return { perms, id: { scheme, id } }
}

export function statRecord(stat: Stat): StatRecord {
  return { ...stat, ephemeralOwner: stat.ephemeralOwner ?? NO_SESSION }
}

/** ZooKeeper's zxids have a sign: what is negative is before everything. */
export function asSeen(zxid: Zxid): Zxid {
  return zxid.epoch > 0x7fffffff ? ZERO : zxid
}
