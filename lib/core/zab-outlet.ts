/**
 * What Zab asks of the world (zab/zab-port.ts) as effects: all of it goes into the outbox; only giving up a link concerns others first.
 * Made by peer.ts.
 */
import type { LinkId, OperationNumber } from '../model/ids.js'
import type { Outbox } from './outbox.js'
import type { ZabPort } from './zab/zab-port.js'

/**
 * @param forget the link is given up: false when it was before.
 * @param checkpoint of the state of this moment.
 */
export function zabOutlet(
  outbox: Outbox,
  forget: (link: LinkId) => boolean,
  checkpoint: () => OperationNumber,
): ZabPort {
  return {
    checkpoint,
    send: outbox.send.bind(outbox),
    append: outbox.append.bind(outbox),
    truncate: outbox.truncate.bind(outbox),
    saveEpochs: outbox.saveEpochs.bind(outbox),
    installSnapshot: outbox.installSnapshot.bind(outbox),
    report: outbox.report.bind(outbox),
    sendHistory: (link, after, upTo, as) => outbox.put({ kind: 'sendHistory', link, after, upTo, as }),
    sendSnapshot: (link, upTo, as) => outbox.put({ kind: 'sendSnapshot', link, upTo, as }),
    disconnect: (link, reason) => {
      if (forget(link)) outbox.put({ kind: 'disconnect', link, reason })
    },
  }
}
