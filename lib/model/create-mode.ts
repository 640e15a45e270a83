/**
 * ZooKeeper's create modes by their flags, and what a request makes of them: the flag decides what is checked (ephemeral, sequential, TTL),
 * the kind of request which znode is written (semantics §4). A client of our own always sends two that fit; one on the wire may not.
 */
export interface CreateMode {
  readonly ephemeral: boolean
  readonly sequential: boolean
  /** Flags 5 and 6: the request must bring a TTL. */
  readonly ttl?: true
  /** A flag that does not exist: the request is refused in its turn. */
  readonly unknown?: true
}

/** How a znode ends that nobody deletes. */
export type Lifetime =
  /** When its last child is gone, and also unused if the leader's `containerNeverUsedMs` says so. */
  | { readonly kind: 'container' }
  /** When it has no children and its data was not set for this long. Out of range it is refused in its turn. */
  | { readonly kind: 'ttl'; readonly ttlMs: number }

export const PERSISTENT: CreateMode = Object.freeze({ ephemeral: false, sequential: false })
export const EPHEMERAL: CreateMode = Object.freeze({ ephemeral: true, sequential: false })
export const PERSISTENT_SEQUENTIAL: CreateMode = Object.freeze({ ephemeral: false, sequential: true })
export const EPHEMERAL_SEQUENTIAL: CreateMode = Object.freeze({ ephemeral: true, sequential: true })
/** By its flag alone nothing but PERSISTENT. */
export const CONTAINER: CreateMode = Object.freeze({ ephemeral: false, sequential: false })
export const PERSISTENT_WITH_TTL: CreateMode = Object.freeze({ ephemeral: false, sequential: false, ttl: true })
export const PERSISTENT_SEQUENTIAL_WITH_TTL: CreateMode = Object.freeze({
  ephemeral: false,
  sequential: true,
  ttl: true,
})
export const UNKNOWN_MODE: CreateMode = Object.freeze({ ephemeral: false, sequential: false, unknown: true })

const UNKNOWN_FLAG = 7
const byFlag: readonly CreateMode[] = [
  PERSISTENT,
  EPHEMERAL,
  PERSISTENT_SEQUENTIAL,
  EPHEMERAL_SEQUENTIAL,
  CONTAINER,
  PERSISTENT_WITH_TTL,
  PERSISTENT_SEQUENTIAL_WITH_TTL,
]

/** One of the flags of what behaves alike: never 4. */
export function createModeFlag(mode: CreateMode): number {
  if (mode.unknown) return UNKNOWN_FLAG
  if (mode.ttl) return mode.sequential ? 6 : 5
  return (mode.ephemeral ? 1 : 0) | (mode.sequential ? 2 : 0)
}

/** UNKNOWN_MODE for a flag that is not known. */
export function createModeFromFlag(flag: number): CreateMode {
  return byFlag[flag] ?? UNKNOWN_MODE
}
