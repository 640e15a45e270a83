/**
 * The steps of a multiRead as values, and what each of them results in: several reads of one moment of the replica.
 * Always holds: a step that fails is an error in its place, and the others are not disturbed. Before: the application. After: client.ts sends.
 */
import type { ZooKeeperError } from '../model/errors.js'
import type { Stat } from './stat.js'

export interface GetStep {
  readonly kind: 'get'
  readonly path: string
}
export interface GetChildrenStep {
  readonly kind: 'getChildren'
  readonly path: string
}
export type ReadOp = GetStep | GetChildrenStep

/** A znode's value as it was at the one moment. */
export interface ReadValue<T> {
  /** Undefined for a znode without data. */
  readonly value: T | undefined
  readonly stat: Stat
}
export interface ReadChildren {
  /** Sorted. */
  readonly children: readonly string[]
  readonly stat: Stat
}

/** The results of a multiRead: one per step, of the step's type or an error, in order. */
export type MultiReadResults<T, Ops extends readonly ReadOp[]> = {
  -readonly [K in keyof Ops]: (Ops[K] extends GetStep ? ReadValue<T> : ReadChildren) | ZooKeeperError
}
