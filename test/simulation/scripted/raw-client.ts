/**
 * A client with nothing in between: requests and events as they pass the door of a peer. As remote clients are: with one-shot watches, and a session that
 * outlives the attachment.
 */
import type { AttachOptions } from '../../../lib/client/channel.js'
import type { Identities } from '../../../lib/model/acl.js'
import type { Request } from '../../../lib/model/request.js'
import type { Response } from '../../../lib/model/response.js'
import type { WatchEvent } from '../../../lib/model/watch-event.js'
import { ZERO } from '../../../lib/model/zxid.js'
import type { VirtualPeer } from '../../../lib/testing/virtual/virtual-peer.js'

export interface RawClient {
  /** Once attached. */
  readonly session: AttachOptions['resume']
  /** Answers come in the order of the requests. */
  ask(request: Request): Promise<Response>
}

export function attachRaw(
  peer: VirtualPeer,
  told: (event: WatchEvent) => void,
  resume?: AttachOptions['resume'],
  identities?: Identities,
): RawClient {
  const waiting: ((response: Response) => void)[] = []
  let session = resume
  const attachment = peer.host!.channels.channel({ embedded: false, identities }).attach(
    { timeoutMs: 4000, resume, lastZxidSeen: ZERO },
    {
      attached: ({ session: id, password }) => {
        session = { session: id, password }
      },
      reply: (_cxid, _zxid, response) => waiting.shift()!(response),
      failed: () => undefined,
      event: told,
      serving: () => undefined,
      detached: () => undefined,
    },
  )
  let cxid = 0
  return {
    get session() {
      return session
    },
    ask: (request: Request) =>
      new Promise<Response>(resolve => {
        waiting.push(resolve)
        cxid += 1
        attachment.send(cxid, request)
      }),
  }
}
