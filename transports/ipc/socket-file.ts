/**
 * The file of a local socket, and who may touch it: 0600 in a directory of ours that is 0700, so that there is no moment between
 * making the socket and narrowing its mode at which somebody else could connect.
 *
 * Always holds: nothing is removed but a socket of ours at which nobody answers; a symbolic link is never followed.
 * Before: ipc-transport.ts. Invariants §5.2 (IPC sockets).
 */
import { chmodSync, lstatSync, mkdirSync, rmSync, type Stats, unlinkSync } from 'node:fs'
import { connect } from 'node:net'
import { dirname } from 'node:path'
import { ZooKeeperError } from '../../lib/model/errors.js'

const PROBE_MS = 1_000
const LOCK_WAIT_MS = 20
/** Longer than any holder needs: a probe and a bind. */
const LOCK_WAITS = 250

/** Makes the directory, or judges the one that is there. Throws BAD_OPTIONS. */
export function prepareDirectory(path: string): void {
  const directory = dirname(path)
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 })
  } catch (cause) {
    throw new ZooKeeperError('BAD_OPTIONS', `cannot make ${directory}: ${(cause as Error).message}`, { cause })
  }
  const found = lstatSync(directory)
  if (!found.isDirectory() || !isOurs(found) || (found.mode & 0o077) !== 0) {
    throw new ZooKeeperError(
      'BAD_OPTIONS',
      `${directory} must be a directory of this user with mode 0700, for others could reach the socket otherwise`,
    )
  }
}

/**
 * Clears the way for a new socket: removes a dead one of ours. To be called under the lock. Rejects with PORT_IN_USE when somebody answers there, with
 * BAD_OPTIONS for a file that is not a socket of ours.
 */
export async function removeStale(path: string): Promise<void> {
  const found = lookAt(path)
  if (found === undefined) return
  if (!found.isSocket() || !isOurs(found)) {
    throw new ZooKeeperError('BAD_OPTIONS', `${path} exists and is not a socket of this user`)
  }
  if (await isAlive(path)) throw inUse(path)
  unlinkSync(path)
}

/**
 * Runs `action` while no other starting peer judges the same path: two that find the same dead socket would else remove each
 * other's new one. A lock that stays is the remainder of a peer that died while starting, and is broken.
 */
export async function withLock(path: string, action: () => Promise<void>): Promise<void> {
  const lock = `${path}.lock`
  for (let waits = 0; !tryMake(lock); waits++) {
    if (waits === LOCK_WAITS) {
      rmSync(lock, { recursive: true, force: true })
      waits = 0
    }
    await new Promise(resolve => setTimeout(resolve, LOCK_WAIT_MS))
  }
  try {
    await action()
  } finally {
    rmSync(lock, { recursive: true, force: true })
  }
}

function tryMake(lock: string): boolean {
  try {
    mkdirSync(lock, { mode: 0o700 })
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

export function narrow(path: string): void {
  chmodSync(path, 0o600)
}

/** Whether a socket of ours is there to be dialled: a stranger's would hear what peers say to each other. */
export function isOwnSocket(path: string): boolean {
  const found = lookAt(path)
  return found?.isSocket() === true && isOurs(found)
}

function lookAt(path: string): Stats | undefined {
  return lstatSync(path, { throwIfNoEntry: false })
}

function isOurs(found: Stats): boolean {
  return found.uid === process.getuid?.()
}

function isAlive(path: string): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect({ path, timeout: PROBE_MS })
    const settle = (alive: boolean) => {
      socket.destroy()
      resolve(alive)
    }
    socket.once('connect', () => settle(true))
    socket.once('timeout', () => settle(true)) // somebody holds it, even if too busy to answer
    socket.on('error', (error: NodeJS.ErrnoException) => {
      // Only these say that nobody is there; a full queue (EAGAIN) or anything else does not.
      settle(error.code !== 'ECONNREFUSED' && error.code !== 'ENOENT')
    })
  })
}

function inUse(path: string): ZooKeeperError {
  return new ZooKeeperError('PORT_IN_USE', `somebody listens at ${path}`)
}
