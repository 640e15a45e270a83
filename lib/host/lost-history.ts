/**
 * History behind the checkpoint that turned out to be unreadable: no harm to this peer, whose tree has what it led to, but whoever runs it should know
 * that its disk has begun to fail, and the core that its log begins later than it did: who was away longer is sent a snapshot.
 *
 * Before: storage, at open or when a learner reads. After: the log of the application, input `historyLost`.
 */
import type { Input } from '../core/input.js'
import { formatZxid } from '../model/zxid.js'
import type { LostHistory, Recovered, Storage } from '../storage/storage.js'
import type { Logger } from './logger.js'

export interface LostHistoryPorts {
  readonly storage: Pick<Storage, 'onHistoryLost'>
  readonly logger: Logger
  readonly input: (input: Input) => void
}

export function watchHistory({ lostHistory }: Pick<Recovered, 'lostHistory'>, ports: LostHistoryPorts): void {
  const tell = ({ base, reason }: LostHistory): void =>
    ports.logger.warn('history behind the checkpoint is damaged and has been let go; nothing else is lost', {
      reason,
      upTo: formatZxid(base),
    })
  if (lostHistory !== undefined) tell(lostHistory)
  ports.storage.onHistoryLost?.(lost => {
    tell(lost)
    ports.input({ kind: 'historyLost', base: lost.base })
  })
}
