/**
 * What must never be: in what a peer has its disk do, in what a peer has just made known, and in every state. Rows as in docs/guarantees.md.
 * Before: small-world.ts and search.ts ask.
 */
import type { PeerId } from '../../../lib/model/ids.js'
import { formatZxid, isAfter, isAtMost, ZERO } from '../../../lib/model/zxid.js'
import { type Disk, type DiskOperation, keyOf, type State, Violation } from './state.js'

/** In every state. */
export function check({ peers, ghost }: State): void {
  const { chain, asked } = ghost
  for (const [at, committed] of chain.entries()) {
    const holders = peers.filter(({ disk }) => disk.log[at] !== undefined && keyOf(disk.log[at]!) === keyOf(committed))
    if (holders.length < 2)
      throw new Violation('Z15', `${formatZxid(committed.zxid)} is committed, but on ${holders.length} disks only`)
  }
  for (const [index, { epoch, session }] of asked.entries()) {
    if (session === undefined) continue
    const place = chain.find(({ txn }) => txn.kind === 'createSession' && txn.session === session)
    if (place === undefined) throw new Violation('Z20', `client ${index + 1} has a session that nobody has applied`)
    if (place.zxid.epoch < epoch)
      throw new Violation('Z24', `client ${index + 1} asked in epoch ${epoch} and was answered in ${place.zxid.epoch}`)
  }
}

/** Before a disk does it. */
export function checkOperation({ log, epochs }: Disk, operation: DiskOperation, id: PeerId): void {
  if (operation.kind === 'append') {
    let last = log.at(-1)?.zxid ?? ZERO
    for (const { zxid, previous } of operation.proposals) {
      if (formatZxid(previous) !== formatZxid(last) || !isAfter(zxid, last))
        throw new Violation(
          'Z14',
          `peer ${id} logs ${formatZxid(zxid)} of ${formatZxid(previous)} behind ${formatZxid(last)}`,
        )
      last = zxid
    }
  } else if (operation.kind === 'saveEpochs') {
    const { accepted, current } = operation.epochs
    if (accepted < epochs.accepted || current < epochs.current || current > accepted)
      throw new Violation(
        'Z3',
        `peer ${id} saves epochs ${accepted}, ${current} over ${epochs.accepted}, ${epochs.current}`,
      )
  }
}

/** What one peer has just made known: what it has applied, and whether it leads. */
export function observe(state: State, id: PeerId): State {
  const { local, disk } = state.peers[id - 1]!
  const { applied, role, serving, epoch } = local!.status
  let { chain, leaders } = state.ghost
  const mine = disk.log.filter(each => isAtMost(each.zxid, applied))
  if (isAfter(applied, mine.at(-1)?.zxid ?? ZERO))
    throw new Violation(
      'Z22',
      `peer ${id} has applied up to ${formatZxid(applied)}, but its log has only ${mine.length} of it`,
    )
  for (const [at, proposal] of mine.entries()) {
    const known = chain[at]
    if (known !== undefined && keyOf(known) !== keyOf(proposal))
      throw new Violation(
        'Z8',
        `peer ${id} has applied ${formatZxid(proposal.zxid)} where ${formatZxid(known.zxid)} was committed`,
      )
  }
  if (mine.length > chain.length) chain = mine
  if (role === 'leading' && serving) {
    const known = leaders.find(each => each[0] === epoch)
    if (known !== undefined && known[1] !== id)
      throw new Violation('Z1', `peers ${known[1]} and ${id} both lead epoch ${epoch}`)
    if (known === undefined) {
      if (chain.length > mine.length)
        throw new Violation(
          'Z13',
          `peer ${id} leads epoch ${epoch} without ${formatZxid(chain.at(-1)!.zxid)}, which was committed`,
        )
      leaders = [...leaders, [epoch, id] as const].sort((a, b) => a[0] - b[0])
    }
  }
  if (chain === state.ghost.chain && leaders === state.ghost.leaders) return state
  return { ...state, ghost: { ...state.ghost, chain, leaders } }
}
