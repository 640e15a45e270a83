/**
 * The steps of a multi as values, and what each of them results in.
 *
 * Always holds: a step carries its value unencoded, so the same steps fit every codec; nothing is checked before the multi is
 * given to a client. Before: the application. After: client.ts encodes and sends. ZooKeeper: multi.
 */
import type { Acl } from '../model/acl.js'
import type { GetChildrenStep, GetStep } from './read-batch.js'
import type { Stat } from './stat.js'

export interface Created {
  /** The final path, with the number of a sequential znode. */
  readonly path: string
  readonly stat: Stat
}

declare const result: unique symbol
interface Step<R> {
  readonly path: string
  /** Only a type: what the step resolves to. */
  readonly [result]?: R
}
export interface CreateStep<T> extends Step<Created> {
  readonly kind: 'create'
  readonly value: T | undefined
  readonly options: CreateStepOptions
}
export interface SetStep<T> extends Step<Stat> {
  readonly kind: 'set'
  readonly value: T | undefined
  readonly options: VersionOption
}
export interface DeleteStep extends Step<undefined> {
  readonly kind: 'delete'
  readonly options: VersionOption
}
export interface CheckStep extends Step<undefined> {
  readonly kind: 'check'
  readonly options: VersionOption
}
export type MultiOp<T> = CreateStep<T> | SetStep<T> | DeleteStep | CheckStep

export interface CreateStepOptions {
  /** @default false */
  readonly ephemeral?: boolean | undefined
  /** @default false */
  readonly sequential?: boolean | undefined
  /** Goes by itself some time after its last child has gone. Not together with any other kind. @default false */
  readonly container?: boolean | undefined
  /** Goes by itself when it has no children and its data was not set for this many ms. Not with `ephemeral`. @default never */
  readonly ttl?: number | undefined
  /** @default everyone may do everything */
  readonly acl?: Acl | undefined
}
export interface VersionOption {
  /** The version that the znode must have. @default any */
  readonly version?: number | undefined
}

/** The results of a multi: one per step, of the step's type, in order. */
export type MultiResults<Ops extends readonly unknown[]> = {
  -readonly [K in keyof Ops]: Ops[K] extends Step<infer R> ? R : never
}

/**
 * The steps that `client.multi` takes; and `get` and `getChildren`, which `client.multiRead` takes.
 *
 * @example
 * const [created, stat] = await zk.multi([op.create('/a', 1), op.set('/b', 2, { version: 3 }), op.check('/c', { version: 0 })])
 */
export const op = Object.freeze({
  /** Creates a znode; results in its path and Stat. */
  create<T>(path: string, value?: T, options: CreateStepOptions = {}): CreateStep<T> {
    return { kind: 'create', path, value, options }
  },
  /** Sets a znode's data; results in its Stat. */
  set<T>(path: string, value?: T, options: VersionOption = {}): SetStep<T> {
    return { kind: 'set', path, value, options }
  },
  /** Deletes a znode. */
  delete(path: string, options: VersionOption = {}): DeleteStep {
    return { kind: 'delete', path, options }
  },
  /** Only requires that the znode exists, with this version if one is given. */
  check(path: string, options: VersionOption = {}): CheckStep {
    return { kind: 'check', path, options }
  },
  /** Reads a znode's value and Stat. */
  get(path: string): GetStep {
    return { kind: 'get', path }
  },
  /** Reads the names of a znode's children, and its Stat. */
  getChildren(path: string): GetChildrenStep {
    return { kind: 'getChildren', path }
  },
})
