/**
 * What can be observed of one znode: its data, its existence, its children. Which request reads it, which events concern it,
 * and how two states of it are ordered, side by side.
 *
 * Always holds: a missing znode is a state like any other; two states of a znode are ordered by the zxid of what is observed.
 * Before: observe.ts. Source: which event fires for what, ZooKeeper's watch tables.
 */
import type { Response } from '../model/response.js'
import type { Stat } from '../model/stat.js'
import { compareZxid, type Zxid } from '../model/zxid.js'
import type { Aspect } from './observe.js'

export interface Missing {
  readonly exists: false
}
const MISSING: Missing = Object.freeze({ exists: false })

export interface DataPresent {
  readonly exists: true
  readonly data: Uint8Array | null
  readonly stat: Stat
}
export interface StatPresent {
  readonly exists: true
  readonly stat: Stat
}
export interface ChildrenPresent {
  readonly exists: true
  readonly children: readonly string[]
  readonly stat: Stat
}

export const dataAspect: Aspect<DataPresent | Missing> = {
  name: 'data$',
  request: path => ({ kind: 'getData', path, watch: false }),
  read(response) {
    if (response.kind === 'data') return { exists: true, data: response.data, stat: response.stat }
    return missing(response)
  },
  compare: byZxid(stat => stat.mzxid),
  concerns: event => event !== 'childrenChanged',
}

export const existsAspect: Aspect<StatPresent | Missing> = {
  name: 'exists$',
  request: path => ({ kind: 'exists', path, watch: false }),
  read(response) {
    if (response.kind === 'stat') return { exists: true, stat: response.stat }
    return missing(response)
  },
  compare: byZxid(stat => stat.mzxid),
  concerns: event => event !== 'childrenChanged',
}

export const childrenAspect: Aspect<ChildrenPresent | Missing> = {
  name: 'children$',
  request: path => ({ kind: 'getChildren', path, watch: false }),
  read(response) {
    if (response.kind === 'children')
      return { exists: true, children: [...response.children].sort(), stat: response.stat }
    return missing(response)
  },
  compare: byZxid(stat => stat.pzxid),
  concerns: event => event !== 'dataChanged',
}

function missing(response: Response): Missing | undefined {
  return response.kind === 'error' && response.code === 'NO_NODE' ? MISSING : undefined
}

function byZxid(of: (stat: Stat) => Zxid) {
  return (last: Missing | StatPresent, next: Missing | StatPresent): 'older' | 'same' | 'newer' => {
    if (!last.exists || !next.exists) return last.exists === next.exists ? 'same' : 'newer'
    const order = compareZxid(of(next.stat), of(last.stat))
    return order < 0 ? 'older' : order === 0 ? 'same' : 'newer'
  }
}
