/**
 * The parts of the small world as values that never change: peers with their disks, links with what is on its way, and what an observer of
 * everything remembers. Before: small-world.ts makes one state of another. After: checks.ts judges, search.ts knows them again.
 */
import type { Effect } from '../../../lib/core/effect.js'
import type { PeerMessage } from '../../../lib/core/zab/messages.js'
import type { Epochs } from '../../../lib/model/history.js'
import type { LinkId, PeerId, SessionId } from '../../../lib/model/ids.js'
import type { Proposal } from '../../../lib/model/proposal.js'
import { describe } from './describe-state.js'
import type { Local } from './local-states.js'

export interface Scope {
  readonly txns: number
  readonly crashes: number
  readonly partitions: number
  readonly timers: number
}

type Kind<K extends Effect['kind']> = Extract<Effect, { readonly kind: K }>
export type DiskOperation = Kind<'append'> | Kind<'truncate'> | Kind<'saveEpochs'>
export type Stream = Kind<'sendHistory'>

/** What survives a crash. */
export interface Disk {
  readonly epochs: Epochs
  readonly log: readonly Proposal[]
}

export interface PeerState {
  /** Undefined while it is down. */
  readonly local: Local | undefined
  readonly disk: Disk
  readonly pending: readonly DiskOperation[]
  readonly streams: readonly Stream[]
  /** How often it has begun, and how many links it has had. */
  readonly lives: number
  readonly links: number
}

/** One end of a link. */
export interface End {
  readonly id: LinkId
  readonly open: boolean
  /** Nothing comes any more, and nothing said here arrives: this end has only to notice. */
  readonly broken: boolean
  /** On its way to this end; behind it comes the end of the link, once the other end is closed. */
  readonly coming: readonly PeerMessage[]
}

/** Of the pairs 1–2, 1–3, 2–3: the end of the smaller id, then of the larger. */
export type Link = readonly [End, End] | undefined

/** What an observer of everything remembers. */
export interface Ghost {
  /** The one committed sequence, as far as anybody has applied it. */
  readonly chain: readonly Proposal[]
  /** By epoch, who has led it. */
  readonly leaders: readonly (readonly [epoch: number, peer: PeerId])[]
  /** By client, the newest established epoch when it asked; then the session it was given. */
  readonly asked: readonly { readonly epoch: number; readonly session: SessionId | undefined }[]
}

export interface State {
  readonly peers: readonly [PeerState, PeerState, PeerState]
  readonly links: readonly [Link, Link, Link]
  readonly cut: PeerId | undefined
  readonly left: Scope
  readonly ghost: Ghost
}

export interface Event {
  readonly name: string
  /** A fault, a transaction, a timer: not what happens by itself. */
  readonly special: boolean
  readonly apply: () => State
}

/** Something that must never be; `row` of the list of invariants. */
export class Violation extends Error {
  readonly row: string
  constructor(row: string, message: string) {
    super(`${row}: ${message}`)
    this.row = row
  }
}

export const PEERS: readonly PeerId[] = [1 as PeerId, 2 as PeerId, 3 as PeerId]
const [ONE, TWO, THREE] = PEERS as [PeerId, PeerId, PeerId]
export const PAIRS: readonly (readonly [PeerId, PeerId])[] = [
  [ONE, TWO],
  [ONE, THREE],
  [TWO, THREE],
]

export function change(state: State, id: PeerId, changes: Partial<PeerState>): State {
  const peers = state.peers.with(id - 1, { ...state.peers[id - 1]!, ...changes }) as unknown as State['peers']
  return { ...state, peers }
}

export function changeEnd(state: State, index: number, side: number, changes: Partial<End>): State {
  const link = [...state.links[index]!] as [End, End]
  link[side] = { ...link[side]!, ...changes }
  return { ...state, links: state.links.with(index, link) as unknown as State['links'] }
}

/** A link of which both ends are closed is none. */
export function tidy(state: State, index: number): State {
  const link = state.links[index]
  if (link === undefined || link[0].open || link[1].open) return state
  return { ...state, links: state.links.with(index, undefined) as unknown as State['links'] }
}

/** Where this peer's end of a link is, while it is open. */
export function placeOf(
  state: State,
  id: PeerId,
  link: LinkId,
): { readonly index: number; readonly side: 0 | 1 } | undefined {
  for (const [index, pair] of PAIRS.entries()) {
    const side = pair.indexOf(id) as -1 | 0 | 1
    if (side === -1) continue
    const end = state.links[index]?.[side]
    if (end?.open && end.id === link) return { index, side }
  }
  return undefined
}

const keys = new WeakMap<object, string>()
export function keyOf(value: object): string {
  let key = keys.get(value)
  if (key === undefined) {
    key = describe(value)
    keys.set(value, key)
  }
  return key
}
