/** What must hold in every state, beside what small-world.ts sees in every step. Rows as in the list of invariants. */
import { formatZxid } from '../../../lib/model/zxid.js'
import { keyOf, type State, Violation } from './small-world.js'

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
