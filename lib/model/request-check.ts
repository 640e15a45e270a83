/**
 * Whether a request is a value that peers can write down: the second line behind the checks of each client, so that no door can
 * bring something to the encoder that stops the peer (text without a UTF-8 form, a version that is no signed 32-bit number, a
 * transaction longer than a frame). Whether it may be done is another question, and the leader's (core/operations).
 *
 * Always holds: what passes has an encoding, and one that fits into a frame with room to spare: a record is at most about 1.5 times
 * `requestBytes`, which is at most 2 MiB and the slack. ZooKeeper: jute.maxbuffer bounds the whole request, not its data alone.
 * Before: host/local-channel.ts; client/requests.ts for its messages; core/operations/preparation.ts for the size.
 */
import type { Acl, Identities, Identity } from './acl.js'
import type { Lifetime } from './create-mode.js'
import type { ErrorCode } from './errors.js'
import type { MultiStep, ReadStep, Request } from './request.js'

/** What paths and ACLs may take, and all steps of a multi together, beyond the bytes that data may have. */
export const REQUEST_SLACK_BYTES = 64 * 1024
/** What `auth` may add to the ACLs of one request, all steps of a multi together. A record still fits into a frame. */
export const ACL_GROWTH_MAX = 512 * 1024
/** Heads, versions and flags of one step; of one entry of an ACL. */
const STEP_BYTES = 32
const ACL_ENTRY_BYTES = 16

/** Why this request cannot be taken at all; undefined if it can. Not for what a peer makes itself. */
export function requestRefusal(request: Request, dataBytesMax: number): ErrorCode | undefined {
  if (typeof request !== 'object' || request === null) return 'BAD_ARGUMENTS'
  return shapeRefusal(request) ?? (isTooLarge(request, dataBytesMax) ? 'DATA_TOO_LARGE' : undefined)
}

export function isTooLarge(request: Request, dataBytesMax: number): boolean {
  return requestBytes(request) > dataBytesMax + REQUEST_SLACK_BYTES
}

/** What a request takes in messages and in the log, roughly and rather too much. */
export function requestBytes(request: Request): number {
  if (request.kind === 'multi') {
    let sum = 0
    for (const step of request.steps) sum += requestBytes(step)
    return sum
  }
  let sum = STEP_BYTES
  if ('path' in request) sum += utf8Bytes(request.path)
  if ('data' in request) sum += request.data?.length ?? 0
  if ('acl' in request) sum += aclBytes(request.acl)
  return sum
}

/** By how much an ACL takes more than the one it was made of: `auth` stands for all that its client is. */
export function aclGrowth(given: Acl, stored: Acl): number {
  return given === stored ? 0 : aclBytes(stored) - aclBytes(given)
}

function aclBytes(acl: Acl): number {
  let sum = 0
  for (const { scheme, id } of acl) sum += ACL_ENTRY_BYTES + utf8Bytes(scheme) + utf8Bytes(id)
  return sum
}

export function isInt32(value: unknown): value is number {
  return typeof value === 'number' && (value | 0) === value
}

/** Text that has a UTF-8 form: no lone surrogate. */
export function isText(value: unknown): value is string {
  return typeof value === 'string' && (value as string & { isWellFormed(): boolean }).isWellFormed()
}

/** Every entry has a shape that can be stored; a hole in the list has not. */
export function isAcl(value: unknown): value is Acl {
  if (!Array.isArray(value)) return false
  for (const entry of value as readonly (Partial<Acl[number]> | null | undefined)[]) {
    if (!isInt32(entry?.perms) || !isText(entry.scheme) || !isText(entry.id)) return false
  }
  return true
}

export function isIdentities(value: unknown): value is Identities {
  if (!Array.isArray(value)) return false
  for (const identity of value as readonly (Partial<Identity> | null | undefined)[])
    if (!isText(identity?.scheme) || !isText(identity.id)) return false
  return true
}

function shapeRefusal(request: Request): ErrorCode | undefined {
  switch (request.kind) {
    case 'create':
    case 'delete':
    case 'setData':
    case 'check':
      return stepRefusal(request)
    case 'multi':
      return multiRefusal(request.steps)
    case 'setAcl':
      if (!isAcl(request.acl)) return 'INVALID_ACL'
      return unless(isText(request.path) && isInt32(request.version))
    case 'sync':
    case 'exists':
    case 'getData':
    case 'getChildren':
    case 'getAcl':
    case 'countDescendants':
    case 'addWatch':
    case 'removeWatches':
    case 'checkWatches':
      return unless(isText(request.path))
    case 'setWatches': {
      const { data, exist, child, persistent, persistentRecursive } = request
      return unless([data, exist, child, persistent, persistentRecursive].every(isTexts))
    }
    case 'getEphemerals':
      return unless(isText(request.prefix))
    case 'multiRead':
      return unless(Array.isArray(request.steps) && Array.from(request.steps).every(isReadStep))
    case 'ping':
    case 'whoAmI':
    case 'reconfig':
    case 'closeSession':
    case 'invalid':
      return undefined
    case 'createSession':
    case 'reap':
    case 'authenticated':
      return 'BAD_ARGUMENTS'
    default:
      request satisfies never
      return 'BAD_ARGUMENTS'
  }
}

function multiRefusal(steps: readonly MultiStep[]): ErrorCode | undefined {
  if (!Array.isArray(steps)) return 'BAD_ARGUMENTS'
  for (const step of steps as readonly (MultiStep | undefined)[]) {
    const code = typeof step === 'object' && step !== null ? stepRefusal(step) : 'BAD_ARGUMENTS'
    if (code !== undefined) return code
  }
  return undefined
}

function stepRefusal(step: MultiStep): ErrorCode | undefined {
  switch (step.kind) {
    case 'create': {
      if (!isAcl(step.acl)) return 'INVALID_ACL'
      const { ephemeral, sequential } = step.mode ?? {}
      const mode = isBoolean(ephemeral) && isBoolean(sequential)
      return unless(isText(step.path) && isData(step.data) && mode && isLifetime(step.lifetime))
    }
    case 'setData':
      return unless(isText(step.path) && isData(step.data) && isInt32(step.version))
    case 'delete':
    case 'check':
      return unless(isText(step.path) && isInt32(step.version))
    default:
      step satisfies never
      return 'BAD_ARGUMENTS'
  }
}

function unless(sound: boolean): ErrorCode | undefined {
  return sound ? undefined : 'BAD_ARGUMENTS'
}

function isData(value: unknown): boolean {
  return value === null || value instanceof Uint8Array
}

function isBoolean(value: unknown): boolean {
  return typeof value === 'boolean'
}

function isLifetime(value: Lifetime | undefined): boolean {
  return (
    value === undefined || value?.kind === 'container' || (value?.kind === 'ttl' && typeof value.ttlMs === 'number')
  )
}

function isReadStep(step: ReadStep | undefined): boolean {
  return (step?.kind === 'getData' || step?.kind === 'getChildren') && isText(step.path)
}

function isTexts(value: unknown): boolean {
  if (!Array.isArray(value)) return false
  for (const text of value) if (!isText(text)) return false
  return true
}

/** At most three bytes a code unit; a pair of surrogates is counted as six instead of four. */
export function utf8Bytes(text: string): number {
  let bytes = text.length
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at)
    if (unit > 0x7ff) bytes += 2
    else if (unit > 0x7f) bytes += 1
  }
  return bytes
}
