/** ZooKeeper's node types that this release has; containers and TTL nodes join with their flags (4, 5, 6). */
export interface CreateMode {
  readonly ephemeral: boolean
  readonly sequential: boolean
}

export const PERSISTENT: CreateMode = Object.freeze({ ephemeral: false, sequential: false })
export const EPHEMERAL: CreateMode = Object.freeze({ ephemeral: true, sequential: false })
export const PERSISTENT_SEQUENTIAL: CreateMode = Object.freeze({ ephemeral: false, sequential: true })
export const EPHEMERAL_SEQUENTIAL: CreateMode = Object.freeze({ ephemeral: true, sequential: true })

export function createModeFlag(mode: CreateMode): number {
  return (mode.ephemeral ? 1 : 0) | (mode.sequential ? 2 : 0)
}

/** Undefined for a flag that is not known. */
export function createModeFromFlag(flag: number): CreateMode | undefined {
  return [PERSISTENT, EPHEMERAL, PERSISTENT_SEQUENTIAL, EPHEMERAL_SEQUENTIAL][flag]
}
