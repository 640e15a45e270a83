/**
 * When are enough voters of one mind? The one question that election, discovery, synchronisation, broadcast and sync all ask.
 * Always holds: any two quorums of one system share a voter; ids that are no voters, and repetitions, change no answer (E5).
 * Implementations: majority.ts, weighted.ts; quorum-of.ts chooses. Used by whoever counts, and through committed-by.ts.
 */
import type { PeerId } from '../../model/ids.js'

export interface Quorum {
  readonly voters: ReadonlySet<PeerId>
  /** `ids` may repeat itself and may name observers or strangers: each voter among them counts once. */
  isQuorum(ids: Iterable<PeerId>): boolean
}
