/** What a request is answered with. Errors are answers too: a failed write has a zxid like any other. */
import type { Acl } from './acl.js'
import type { ReplyCode } from './errors.js'
import type { Stat } from './stat.js'

export interface CreatedResponse {
  readonly kind: 'created'
  /** The final path, the number of a sequential znode included. */
  readonly path: string
  readonly stat: Stat
}
export interface StatResponse {
  readonly kind: 'stat'
  readonly stat: Stat
}
export interface DataResponse {
  readonly kind: 'data'
  readonly data: Uint8Array | null
  readonly stat: Stat
}
export interface ChildrenResponse {
  readonly kind: 'children'
  readonly children: readonly string[]
  readonly stat: Stat
}
export interface AclResponse {
  readonly kind: 'acl'
  readonly acl: Acl
  readonly stat: Stat
}
export interface PathsResponse {
  readonly kind: 'paths'
  readonly paths: readonly string[]
}
export interface CountResponse {
  readonly kind: 'count'
  readonly count: number
}
/** Who somebody is known as: the name that the scheme shows, without what proves it. */
export interface ClientIdentity {
  readonly scheme: string
  readonly user: string
}
export interface IdentitiesResponse {
  readonly kind: 'identities'
  readonly identities: readonly ClientIdentity[]
}
/** One per step, in order, each for itself. */
export interface MultiReadResponse {
  readonly kind: 'multiRead'
  readonly results: readonly ReadStepResponse[]
}
/** One per step, in order. A failed multi: OK before the failing step, its code, RUNTIME_INCONSISTENCY after it. */
export interface MultiResponse {
  readonly kind: 'multi'
  readonly failed: boolean
  readonly results: readonly StepResponse[]
}
export interface DoneResponse {
  readonly kind: 'done'
}
export interface ErrorResponse {
  readonly kind: 'error'
  readonly code: ReplyCode
}

export type ReadStepResponse = DataResponse | ChildrenResponse | ErrorResponse
export type StepResponse = CreatedResponse | StatResponse | DoneResponse | ErrorResponse
export type Response =
  | CreatedResponse
  | StatResponse
  | DataResponse
  | ChildrenResponse
  | AclResponse
  | PathsResponse
  | CountResponse
  | IdentitiesResponse
  | MultiReadResponse
  | MultiResponse
  | DoneResponse
  | ErrorResponse

export const DONE: DoneResponse = Object.freeze({ kind: 'done' })

export function errorResponse(code: ReplyCode): ErrorResponse {
  return { kind: 'error', code }
}
