/**
 * A call of an application as its checkers know it, what all applications know together, and who the caller is to those who serve it.
 * Before: host-calls.ts asks, host-workload.ts notes it down. After: session-history.ts judges.
 */
import type { ReadChildren, ReadOp, ReadValue } from '../../../lib/client/read-batch.js'
import type { ZooKeeperError } from '../../../lib/model/errors.js'
import type { Need } from './access-history.js'
import { type Proof, Proved } from './proved.js'

export interface HostCall {
  readonly number: number
  readonly kind:
    | 'create'
    | 'createMissing'
    | 'set'
    | 'delete'
    | 'deleteTree'
    | 'multi'
    | 'update'
    | 'get'
    | 'exists'
    | 'getChildren'
    | 'walk'
    | 'countDescendants'
    | 'getEphemerals'
    | 'getAcl'
    | 'setAcl'
    | 'addAuth'
    | 'whoAmI'
    | 'multiRead'
    | 'sync'
  readonly path: string
  /** Of the client that was asked: paths in its answers are below. */
  readonly root: string
  /** The values that it writes. */
  readonly tokens: readonly string[]
  readonly version: number | undefined
  readonly invokedAt: number
  /** The newest write that any client knew to be done. */
  readonly floor: bigint
  /** Several requests, or answered out of turn by nature. */
  readonly composite: boolean
  /** What it may only do if it may all of these; undefined when that is asked of several requests. */
  readonly needs: readonly Need[] | undefined
  /** Its ACL stands for whoever it is. */
  readonly ownAcl: boolean
  /** That of an addAuth; undefined for one that nobody can believe. */
  readonly proof: Proof | undefined
  /** The paths of a multiRead: values of some, children of others. */
  readonly steps: readonly ReadOp[]
  outcome: { readonly ok: unknown } | { readonly code: string; readonly outcome: string } | undefined
}

export type ReadResults = readonly (ReadValue<string> | ReadChildren | ZooKeeperError)[]

/** What any client knows, over all sessions. */
export class Knowledge {
  returned = 0n
  calls = 0
  answered = 0
  /** That observables told. */
  states = 0
  failed = new Map<string, number>()
}

/** What a call may fail with; anything else is a bug. */
export const EXPECTED = new Set([
  'NO_NODE',
  'NODE_EXISTS',
  'BAD_VERSION',
  'NOT_EMPTY',
  'NO_CHILDREN_FOR_EPHEMERALS',
  'CONNECTION_LOSS',
  'ABORTED',
  'SESSION_EXPIRED',
  'CLOSED',
  'OVERLOADED',
  'STORAGE_LOW',
  'SESSION_MOVED',
])

/** What needs no leader. */
export const READS: ReadonlySet<HostCall['kind']> = new Set([
  'get',
  'exists',
  'getChildren',
  'walk',
  'countDescendants',
  'getEphemerals',
  'getAcl',
  'whoAmI',
  'multiRead',
  'addAuth',
])

/** What a session is to those who serve it. */
export interface Standing {
  readonly proved: Proved
  /** It has said to be somebody whom nobody believes: its client is to end. */
  lied: boolean
  /** A peer without a leader serves it now. */
  readOnly: boolean
  /** Sessions are local ones until they want an ephemeral, or always. */
  readonly local: 'upgraded' | 'never upgraded' | undefined
}

export function trustedStanding(): Standing {
  return { proved: new Proved([{ scheme: 'super', id: '' }]), lied: false, readOnly: false, local: undefined }
}
