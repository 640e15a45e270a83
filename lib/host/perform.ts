/**
 * From decisions to deeds: one switch over everything the core can ask for. Decides nothing, waits for nothing; what completes
 * later comes back through the inbox.
 *
 * Before: peer-host's turn. After: links, log-writer, checkpointer, local-channel, history-sender.
 */
import type { Effect } from '../core/effect.js'
import type { PeerStatus } from '../core/peer-status.js'
import { unreachable } from '../model/invariant.js'
import type { Audit } from './audit.js'
import type { Checkpointer } from './checkpointer.js'
import type { HistorySender } from './history-sender.js'
import type { Links } from './links.js'
import type { LocalChannels } from './local-channel.js'
import type { LogWriter } from './log-writer.js'
import type { Logger } from './logger.js'

type Stop = Extract<Effect, { readonly kind: 'stop' }>

export interface PerformPorts {
  readonly links: Pick<Links, 'send' | 'disconnect'>
  readonly log: Pick<LogWriter, 'submit'>
  readonly checkpointer: Pick<Checkpointer, 'submit'>
  readonly history: Pick<HistorySender, 'sendHistory' | 'sendSnapshot'>
  readonly channels: Pick<LocalChannels, 'perform'>
  readonly logger: Logger
  readonly audit: Pick<Audit, 'decided'>
  readonly statusChanged: (status: PeerStatus) => void
  readonly wakeAt: (monotonicMs: number) => void
  readonly stop: (error: Stop['error']) => void
}

export function perform(effect: Effect, ports: PerformPorts): void {
  switch (effect.kind) {
    case 'reply':
    case 'notify':
    case 'fail':
    case 'attached':
    case 'detachClient':
      ports.channels.perform(effect)
      return
    case 'send':
      ports.links.send(effect.link, effect.message)
      return
    case 'append':
    case 'truncate':
    case 'saveEpochs':
    case 'installSnapshot':
      ports.log.submit(effect)
      return
    case 'checkpoint':
      ports.checkpointer.submit(effect)
      return
    case 'sendHistory':
      ports.history.sendHistory(effect)
      return
    case 'sendSnapshot':
      ports.history.sendSnapshot(effect)
      return
    case 'disconnect':
      ports.links.disconnect(effect.link, effect.reason)
      return
    case 'wakeAt':
      ports.wakeAt(effect.at)
      return
    case 'statusChanged':
      ports.statusChanged(effect.status)
      return
    case 'report':
      ports.logger[effect.level](effect.message)
      return
    case 'audit':
      ports.audit.decided(effect.event)
      return
    case 'stop':
      ports.stop(effect.error)
      return
    default:
      unreachable(effect)
  }
}
