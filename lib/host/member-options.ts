/**
 * The members of an ensemble as the options give them: who is who, where, and how much each one counts. Used by peer-options.ts.
 *
 * Always holds: what passes without a complaint has each address once, this peer in it, and somebody who votes.
 */
import { type Member, type MemberRole, votersOf } from '../model/ensemble-config.js'
import { isPeerId, MAX_PEER_ID, type PeerId } from '../model/ids.js'
import { ZERO } from '../model/zxid.js'
import { checkNumber, isRecord } from './option-checks.js'

export interface MemberOptions {
  /** Where the others dial this peer, e.g. `tcp://10.0.0.1:2888`. */
  readonly address: string
  /** Observers follow and serve without voting. @default 'participant' */
  readonly role?: MemberRole
  /** How much a participant's vote counts; with 0 it follows without a vote, and never leads. @default 1 */
  readonly weight?: number
  /** A place, say: a quorum has more than half of the weight in each of more than half of the groups. All participants have one, or none. */
  readonly group?: number
}

export const VOTERS_MAX = 7
const SHARE = { min: 0, max: 1_000_000 }

/** Complaints about what cannot be, warnings about what is unwise. In ascending order of id. */
export function resolveMembers(
  given: Readonly<Record<number, string | MemberOptions>> | undefined,
  self: PeerId,
  complaints: string[],
  warnings: string[],
): Member[] {
  if (given === undefined) return isPeerId(self) ? [{ id: self, address: 'memory://alone', role: 'participant' }] : []
  if (!isRecord(given)) return []
  const members: Member[] = []
  const addresses = new Set<string>()
  for (const [key, value] of Object.entries(given)) {
    const id = Number(key)
    const {
      address,
      role = 'participant',
      weight,
      group,
      ...rest
    } = isRecord(value) ? (value as Partial<MemberOptions>) : { address: value }
    if (!isPeerId(id) || String(id) !== key) {
      complaints.push(`members.${key}: the id must be a whole number from 1 to ${MAX_PEER_ID}`)
    } else if (typeof address !== 'string' || address.length === 0) {
      complaints.push(`members.${key}: the address must be a string such as 'tcp://10.0.0.1:2888'`)
    } else if (role !== 'participant' && role !== 'observer') {
      complaints.push(`members.${key}: role must be 'participant' or 'observer'`)
    } else if (Object.keys(rest).length > 0) {
      complaints.push(`members.${key}: ${Object.keys(rest).join(', ')} is not an option`)
    } else if (addresses.has(address)) {
      complaints.push(`members.${key}: the address ${address} is given twice`)
    } else {
      addresses.add(address)
      const share = { ...(weight !== undefined && { weight }), ...(group !== undefined && { group }) }
      members.push({ id, address, role, ...share })
    }
  }
  if (isPeerId(self) && !members.some(member => member.id === self)) {
    complaints.push(`members does not name this peer (${self})`)
  }
  members.sort((a, b) => a.id - b.id)
  judgeShares(members, complaints)
  judgeVoters(members, complaints, warnings)
  return members
}

function judgeVoters(members: readonly Member[], complaints: string[], warnings: string[]): void {
  const voters = votersOf({ version: ZERO, members }).size
  if (voters > VOTERS_MAX) {
    complaints.push(`members has ${voters} participants, but at most ${VOTERS_MAX} may vote: make the others observers`)
  } else if (voters === 0 && members.length > 0) {
    complaints.push('members has no participant that votes')
  } else if (voters % 2 === 0 && voters > 0 && members.every(isPlain)) {
    warnings.push(`${voters} voters tolerate no more failures than ${voters - 1}: use an odd number`)
  }
}

/** One of several that all count alike. */
function isPlain({ weight = 1, group }: Member): boolean {
  return weight === 1 && group === undefined
}

/** Each by itself, and all together. */
function judgeShares(members: readonly Member[], complaints: string[]): void {
  for (const { id, role, weight, group } of members) {
    if (role === 'observer' && (weight !== undefined || group !== undefined))
      complaints.push(`members.${id}: an observer has neither weight nor group`)
    const [wrongWeight, wrongGroup] = [checkNumber(SHARE, weight ?? 1), checkNumber(SHARE, group ?? 0)]
    if (wrongWeight !== undefined) complaints.push(`members.${id}: weight ${wrongWeight}`)
    if (wrongGroup !== undefined) complaints.push(`members.${id}: group ${wrongGroup}`)
  }
  const participants = members.filter(({ role }) => role === 'participant')
  const without = participants.filter(({ group }) => group === undefined)
  if (without.length > 0 && without.length < participants.length)
    complaints.push(`members ${without.map(({ id }) => id).join(', ')} have no group, but others have`)
}
